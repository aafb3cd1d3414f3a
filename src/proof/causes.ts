/** One id of the escape-route catalogue, in the operator's words. */
export interface Cause {
  readonly id: string;
  readonly severity: 'critical' | 'high' | 'medium' | 'low';
  /** What is wrong, one sentence. */
  readonly sentence: string;
  /** What ends it. */
  readonly fix: string;
}

/**
 * The causes that this version can find by itself. Ids are those of the catalogue and never change meaning
 * (docs/causes.md is generated from this table).
 */
export const CAUSES: readonly Cause[] = [
  {
    id: 'TS-ACL-01',
    severity: 'critical',
    sentence: 'The policy has neither `acls` nor `grants`, so the control plane lets everybody reach everything.',
    fix: 'Give the policy an explicit `grants` key (an empty list allows nothing), or run `pulumi up`.',
  },
  {
    id: 'TS-ACL-02',
    severity: 'critical',
    sentence: 'A rule of the policy lets more sources in than the declared flows name.',
    fix: 'Narrow the source of the rule to the declared role, or remove the rule.',
  },
  {
    id: 'TS-ACL-03',
    severity: 'critical',
    sentence: 'A rule of the policy has the model among its sources: the model can open connections.',
    fix: "Remove the model's tag and every selector that covers it from the sources of the rule.",
  },
  {
    id: 'TS-ACL-04',
    severity: 'critical',
    sentence: 'The policy has rules in `acls` and in `grants`: they add up, and the looser one decides.',
    fix: 'Keep one of the two sections.',
  },
  {
    id: 'TS-ACL-05',
    severity: 'high',
    sentence: 'A rule opens more ports than the declared service has.',
    fix: 'Name exactly the ports of the service, with their protocol (`tcp:11434`).',
  },
  {
    id: 'TS-ACL-08',
    severity: 'critical',
    sentence:
      'A rule has destination `*` or a network that covers routed addresses, so subnet routers forward for its sources.',
    fix: 'Name the destination tag instead of `*`.',
  },
  {
    id: 'TS-ACL-10',
    severity: 'high',
    sentence: 'A declared tailnet address is not that of the declared device: rules by address mean somebody else.',
    fix: 'Find out why the device has another address (re-created?), then correct the address in the topology.',
  },
  {
    id: 'TS-ACL-13',
    severity: 'high',
    sentence:
      'A grant gives application capabilities to or over a protected host; what the daemon serves is open past the ports.',
    fix: 'Remove the `app` entry, or take the protected roles out of the grant.',
  },
  {
    id: 'TS-ACL-14',
    severity: 'high',
    sentence: 'The policy gives a protected host a node attribute that opens a way in or out past its rules.',
    fix: "Remove the attribute from `nodeAttrs`, or name targets that do not cover the role's tag (`*` covers all).",
  },
  {
    id: 'TS-ACL-15',
    severity: 'critical',
    sentence: 'An SSH rule reaches the model, or lets the model log in somewhere: a session is a shell and a tunnel.',
    fix: "Take the model's tag, and every selector that covers it, out of the `ssh` section.",
  },
  {
    id: 'TS-ACL-16',
    severity: 'critical',
    sentence: 'Somebody who is no operator can give himself a protected tag, or has become an operator.',
    fix: 'Name only operators as owners of the tag, directly and through other tags, and restore the group.',
  },
  {
    id: 'TS-ACL-18',
    severity: 'high',
    sentence: 'Somebody who is no operator approves routes or exit nodes by himself.',
    fix: 'Remove the entry from `autoApprovers`; approve routes one by one.',
  },
  {
    id: 'TS-ACL-26',
    severity: 'medium',
    sentence: 'No device holds the tag today, but whoever gets it has access that no flow declares.',
    fix: 'Remove the rule, or declare the flow.',
  },
  {
    id: 'TS-ACL-27',
    severity: 'high',
    sentence:
      'An SSH rule lets somebody into a protected host who is no operator, or in without a check, as root or as anybody.',
    fix: 'Let operators alone in, with `action: check` and login names that are written out.',
  },
  {
    id: 'TS-SET-01',
    severity: 'high',
    sentence: 'Device approval is off: any key or login adds a working device.',
    fix: 'Switch device approval on in the settings of the admin console, or run `pulumi up`.',
  },
  {
    id: 'TS-SET-02',
    severity: 'high',
    sentence: 'User approval is off: everybody who can log in joins the tailnet.',
    fix: 'Switch user approval on in the settings of the admin console, or run `pulumi up`.',
  },
  {
    id: 'TS-SET-04',
    severity: 'medium',
    sentence: 'The policy can be edited in the admin console.',
    fix: 'Lock it there (policy is managed externally), or run `pulumi up`; the API can still write it.',
  },
  {
    id: 'TS-DEV-02',
    severity: 'critical',
    sentence: 'A device that the topology does not declare holds the tag of a protected role.',
    fix: 'Remove the tag from the device, or declare the host.',
  },
  {
    id: 'TS-DEV-05',
    severity: 'critical',
    sentence: 'A declared device does not carry exactly its declared tag.',
    fix: 'Find out who changed it in the audit log, then run `cordon reconcile` or `pulumi up`.',
  },
  {
    id: 'TS-DEV-03',
    severity: 'high',
    sentence: 'The device of a protected host belongs to another tailnet.',
    fix: 'End the share, and enrol the host in this tailnet.',
  },
  {
    id: 'TS-DEV-27',
    severity: 'low',
    sentence: 'A declared device waits for approval.',
    fix: 'Approve it in the admin console after checking who asked, or run `pulumi up`.',
  },
  {
    id: 'TS-FLT-07',
    severity: 'medium',
    sentence: 'A declared device advertises networks that nobody declared: its own filter takes them for its own.',
    fix: 'Stop advertising them on the device (`tailscale set --advertise-routes`).',
  },
  {
    id: 'TS-RT-05',
    severity: 'critical',
    sentence:
      'An approved route covers a declared host or its segment: it leads there past the tailnet filter of the host, or takes its place.',
    fix: 'Remove the approval (`cordon reconcile`, or the routes of the device in the admin console).',
  },
  {
    id: 'TS-RT-15',
    severity: 'medium',
    sentence: 'The routes in force are not the declared ones.',
    fix: 'Remove approvals that nobody declared (`cordon reconcile`), or declare the segment and its flow.',
  },
  {
    id: 'HOST-01',
    severity: 'critical',
    sentence: "A neighbour on the local network reaches the host's tailnet address past the tunnel.",
    fix: "Load cordon's ruleset: it refuses tailnet addresses on every interface but the tunnel.",
  },
  {
    id: 'HOST-02',
    severity: 'critical',
    sentence: 'The host accepts new flows that no flow declares.',
    fix: "Load cordon's ruleset on the host (`cordon reconcile`, or `pulumi up`).",
  },
  {
    id: 'HOST-05',
    severity: 'critical',
    sentence: 'The host forwards packets that no declared flow explains.',
    fix: "Load cordon's ruleset: its forward chain passes the declared flows only.",
  },
  {
    id: 'HOST-06',
    severity: 'critical',
    sentence: 'The rules hold for one address family only.',
    fix: 'Use an `inet` table, and give every rule its twin in the other family.',
  },
  {
    id: 'HOST-07',
    severity: 'critical',
    sentence: 'A rule meant for answers lets the host open new flows from that source port.',
    fix: 'Accept answers by conntrack state and direction, never by source port alone.',
  },
  {
    id: 'HOST-08',
    severity: 'high',
    sentence: 'A rule keeps alive flows that are no longer declared.',
    fix: 'Pin the tuple and the conntrack direction in every rule for established packets.',
  },
  {
    id: 'HOST-09',
    severity: 'high',
    sentence: "Packet sockets on the model's link are not closed: whoever may open one sends past every other rule.",
    fix: "Load cordon's ruleset: its netdev chain names the only packets that may leave.",
  },
  {
    id: 'HOST-12',
    severity: 'critical',
    sentence: "cordon's table is not loaded on the host.",
    fix: 'Load it (`cordon reconcile`, or `pulumi up`) and see why it was not: boot order, a failed unit, a syntax error.',
  },
  {
    id: 'HOST-13',
    severity: 'critical',
    sentence: 'The ruleset on the host is not the declared one: something flushed or changed it.',
    fix: 'Restore it (`cordon reconcile`, or `pulumi up`) and find what else manages the firewall.',
  },
  {
    id: 'HOST-22',
    severity: 'critical',
    sentence: 'The host may open flows that no flow declares.',
    fix: "Load cordon's ruleset on the host; its output chain passes the declared flows only.",
  },
  {
    id: 'HOST-30',
    severity: 'critical',
    sentence: 'The model may talk to other services of its host over loopback, which act for whoever asks them.',
    fix: "Load cordon's ruleset, give the model a network namespace of its own, or move the services elsewhere.",
  },
  {
    id: 'IAC-03',
    severity: 'critical',
    sentence: 'What is live differs from what is declared: somebody changed it outside of the declared topology.',
    fix: 'See `cordon check` for who gained what; restore with `cordon reconcile`, or declare the change.',
  },
  {
    id: 'IAC-21',
    severity: 'medium',
    sentence: 'A waiver has expired.',
    fix: 'Mend what it waives and remove it, or renew it with a reason.',
  },
];

const BY_ID = new Map(CAUSES.map((c) => [c.id, c]));

/** The row of an id, where this version has one. */
export function causeOf(id: string): Cause | undefined {
  return BY_ID.get(id);
}
