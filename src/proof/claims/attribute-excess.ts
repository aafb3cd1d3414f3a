import { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { NodeAttribute } from '../../tailnet/attributes/attributes.ts';
import { attributeEffect } from '../../tailnet/attributes/effect.ts';
import type { Blame } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import type { Excess } from './excess.ts';
import { askedDevices, partiesOf, targetsAt } from './parties.ts';

/**
 * Node attributes that the policy gives to a protected host, or to whoever gets its tag. The topology declares none, so
 * each that opens a way in or out is one too many, and one whose effect is not known leaves both open.
 */
export function attributeExcess(context: ProofContext): readonly Excess[] {
  if (!context.tailnet.known) return [];
  const reach = context.tailnet.value;
  const parties = partiesOf(context, reach);
  return askedDevices(context, reach).flatMap((device) => {
    const given = reach.compiled.attributesOn(device.id).filter((a) => a.span !== undefined);
    // Whose device it is takes a look at every host: most policies give nothing, and need none.
    if (given.length === 0) return [];
    const own = AddressSet.ofAddresses(...device.addresses);
    const hosts = parties.protected.filter((p) => targetsAt(context, device, p).overlaps(own));
    return given.flatMap((attribute) => {
      const effect = attributeEffect(attribute.name);
      return hosts.flatMap(({ host }) =>
        effect.touches.map((claim): Excess => {
          const blame = blameOf(attribute);
          const why = effect.known
            ? 'whether the device has this attribute is only known from above'
            : `what the node attribute ${attribute.name} does is not known`;
          const sure = effect.known && attribute.exact;
          return {
            host,
            claim,
            sure,
            packets: PacketSet.ofAddresses(claim === 'ingress' ? 'dst' : 'src', own),
            causes: ['TS-ACL-14'],
            witness: undefined,
            blame: [blame],
            missing: sure ? [] : [{ source: `${blame.source}:${blame.line}:${blame.column}`, why }],
          };
        }),
      );
    });
  });
}

function blameOf({ name, span }: NodeAttribute): Blame {
  const rule = `nodeAttrs ${name}`;
  return span === undefined
    ? { source: 'tailnet/policy', rule }
    : { source: 'tailnet/policy', line: span.line, column: span.column, rule };
}
