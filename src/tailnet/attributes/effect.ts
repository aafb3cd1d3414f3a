/** What a node attribute does to the isolation of the device that has it. */
export interface AttributeEffect {
  /** False: nothing is known of the attribute, so it may do both. */
  readonly known: boolean;
  readonly touches: readonly ('ingress' | 'egress')[];
}

/**
 * Attributes with a known effect (tailscale/tailscale `tailcfg/tailcfg.go` NodeAttr… and Capability…; Tailscale
 * documentation, "Node attributes"). First match wins.
 */
const EFFECTS: readonly (readonly [RegExp, AttributeEffect['touches']])[] = [
  // The internet reaches what the node serves.
  [/^funnel$|\/cap\/funnel/, ['ingress']],
  // Folders are served to, or read from, other nodes by the daemon itself.
  [/^drive:share$/, ['ingress']],
  [/^drive:access$/, ['egress']],
  // Peers may ask the daemon for its internals.
  [/^debug/, ['ingress']],
  // Whoever is on the local network may use source addresses of the tailnet.
  [/^disable-linux-cgnat-drop-rule$/, ['ingress']],
  // All traffic leaves through somebody else.
  [/^auto-exit-node$|^mullvad$|\/cap\/mullvad/, ['egress']],
  // Names are asked of a resolver outside.
  [/^nextdns:|^controld:/, ['egress']],
  // The network map is written to disk, where processes may read it.
  [/^cache-network-maps$/, ['egress']],
  // What no packet passes through: how the node finds paths, names itself, or is offered to others.
  [
    /^(disable-captive-portal-detection|disable-ipv4|magicdns-aaaa|probe-udp-lifetime|randomize-client-port|suggest-exit-node)$/,
    [],
  ],
  // On every device, whatever the policy says (captures of the control plane).
  [/^https:\/\/tailscale\.com\/cap\/(file-sharing|ssh)$/, []],
];

/** @param name as the policy writes it */
export function attributeEffect(name: string): AttributeEffect {
  const touches = EFFECTS.find(([pattern]) => pattern.test(name))?.[1];
  return touches === undefined ? { known: false, touches: ['ingress', 'egress'] } : { known: true, touches };
}
