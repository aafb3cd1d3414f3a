import type { PacketSet } from '../../net/packet-set.ts';
import type { Missing } from '../../state/known.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Witness } from '../claim.ts';

/** Packets that get through although no declared flow explains them: what breaks `ingress` or `egress` of one host. */
export interface Excess {
  readonly host: Host;
  readonly claim: 'ingress' | 'egress';
  /** False: it could be, but something that decides it is not known. */
  readonly sure: boolean;
  readonly packets: PacketSet;
  readonly causes: readonly string[];
  readonly witness: Witness | undefined;
  readonly blame: readonly Blame[];
  readonly missing: readonly Missing[];
}
