import { isInterfaceName } from '../../net/interface-id.ts';
import { CordonError } from '../../source/error.ts';
import type { HostPlan } from '../host-plan.ts';

/** nft cuts comments at this many bytes (libnftnl NFTNL_UDATA_COMMENT_MAXLEN). */
export const MAX_COMMENT = 128;

/** Set names are made from flow ids, so they must be names for nft (scanner.l `string`). */
const FLOW_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const HOST = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/**
 * Refuses a plan with names or ports that would not survive in a ruleset. The topology's loader has told its author
 * already; this keeps text from anywhere else out of a file that root loads.
 * @throws CordonError `host-plan`
 */
export function checkPlan(plan: HostPlan): void {
  const require = (condition: boolean, message: string) => {
    if (!condition) throw new CordonError('host-plan', `host ${JSON.stringify(plan.host)}: ${message}`);
  };
  require(HOST.test(plan.host), 'not a name for a host');
  require(plan.modelUid === undefined || isUid(plan.modelUid), `${plan.modelUid} is no numeric user`);
  const interfaces = [
    ...(plan.link === undefined ? [] : [plan.link.name]),
    ...(plan.daemon?.underlay ?? []),
    ...plan.flows.map((f) => f.iface),
    ...plan.forwards.flatMap((f) => [f.inInterface, f.outInterface]),
  ];
  for (const name of interfaces) {
    require(isInterfaceName(name) && !/["*{}]/.test(name), `${JSON.stringify(name)} is no name of an interface`);
  }
  for (const flow of [...plan.flows, ...plan.forwards]) {
    require(FLOW_ID.test(flow.id), `${JSON.stringify(flow.id)} is no flow id`);
    for (const uid of 'uids' in flow ? (flow.uids ?? []) : []) require(isUid(uid), `${uid} is no numeric user`);
    for (const { first, last } of [...flow.tcp, ...flow.udp]) {
      const isRange = Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= 65535;
      require(isRange, `flow ${flow.id}: ${first}-${last} is no range of ports`);
    }
  }
}

/** A user as the kernel numbers it; the last number means "none" (linux include/linux/uidgid.h INVALID_UID). */
function isUid(uid: number): boolean {
  return Number.isInteger(uid) && uid >= 0 && uid < 0xffff_ffff;
}
