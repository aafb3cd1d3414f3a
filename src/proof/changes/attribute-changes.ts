import { formatSpan } from '../../source/diagnostic.ts';
import type { Missing } from '../../state/known.ts';
import type { NodeAttribute } from '../../tailnet/attributes/attributes.ts';
import { attributeEffect } from '../../tailnet/attributes/effect.ts';
import type { Device } from '../../tailnet/device.ts';
import { uniqueMissing } from '../claims/missing.ts';
import type { Change } from './change.ts';
import { bySignature, partyOn } from './parties.ts';
import type { TailnetSide } from './tailnet-side.ts';

/** Node attributes that a device has on one side and not on the other. */
export function attributeChanges(a: TailnetSide, b: TailnetSide): { changes: Change[]; missing: Missing[] } {
  const changes: Change[] = [];
  const missing: Missing[] = [];
  if (![a, b].some(({ policy }) => policy.nodeAttrs.length > 0 || policy.randomizeClientPort !== undefined)) {
    return { changes, missing };
  }
  const given = (side: TailnetSide, device: Device) =>
    side.reach.compiled.attributesOn(device.id).filter((x) => x.span !== undefined);
  const signature = (device: Device) =>
    JSON.stringify(
      [a, b].map((side) =>
        given(side, device)
          .map((x) => [x.name, x.exact])
          .sort(),
      ),
    );
  for (const devices of bySignature(a, signature)) {
    const [device] = devices;
    if (device === undefined) continue;
    for (const [kind, from, to] of [
      ['gain', a, b],
      ['lose', b, a],
    ] as const) {
      const before = new Map(given(from, device).map((x) => [x.name, x]));
      for (const attribute of given(to, device)) {
        const twin = before.get(attribute.name);
        if (twin?.exact === true || (twin !== undefined && !attribute.exact)) continue;
        // What nobody knows may as well take something away from whoever has it.
        if (!attributeEffect(attribute.name).known)
          missing.push(placed(attribute, 'changed, and what it does is not known'));
        else if (attribute.exact && twin === undefined) changes.push(describe(kind, to, devices, attribute));
        else missing.push(placed(attribute, 'is given to devices that are only known from above'));
      }
    }
  }
  return { changes, missing: uniqueMissing(missing) };
}

function placed({ name, span }: NodeAttribute, what: string): Missing {
  return {
    source: span === undefined ? 'tailnet/policy' : formatSpan(span),
    why: `the node attribute ${name} ${what}`,
  };
}

function describe(
  kind: Change['kind'],
  side: TailnetSide,
  devices: readonly Device[],
  { name, span }: NodeAttribute,
): Change {
  const present = devices.filter((d) => !side.reach.universe.future.has(d.id));
  const shown = present.length > 0 ? present : devices;
  const party = partyOn(side, shown);
  return {
    kind,
    relation: 'capability',
    layer: 'tailnet',
    src: party,
    dst: party,
    packets: [],
    count: shown.length,
    witness: { src: '', dst: '', proto: 'none' },
    capability: `node attribute ${name}`,
    blame:
      span === undefined
        ? []
        : [{ side: kind === 'gain' ? 'b' : 'a', file: side.file, line: span.line, column: span.column, text: name }],
  };
}
