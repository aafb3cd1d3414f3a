import { formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Missing } from '../../state/known.ts';
import type { Device } from '../../tailnet/device.ts';
import { localUser } from '../../tailnet/ssh/logins.ts';
import type { SshRule } from '../../tailnet/ssh/rules.ts';
import { uniqueMissing } from '../claims/missing.ts';
import type { Change } from './change.ts';
import { bySignature, partiesAt, partyOn } from './parties.ts';
import { ruleLine, ruleText, type TailnetSide } from './tailnet-side.ts';

/**
 * Logins over Tailscale SSH that somebody has on one side and not on the other. The first rule that matches decides, so
 * what is compared is what becomes of every login, not the rules.
 */
export function sshChanges(a: TailnetSide, b: TailnetSide): { changes: Change[]; missing: Missing[] } {
  const changes: Change[] = [];
  const missing: Missing[] = [];
  if (![a, b].some(({ policy }) => policy.ssh.length > 0)) return { changes, missing };
  const signature = (device: Device) =>
    JSON.stringify([a, b].map((side) => side.reach.compiled.sshOn(device.id).map((rule) => ruleKey(side, rule))));
  for (const targets of bySignature(a, signature)) {
    const id = targets[0]?.id ?? '';
    const names = namesAsked([a, b].flatMap((side) => side.reach.compiled.sshOn(id)));
    for (const [kind, from, to] of [
      ['gain', a, b],
      ['lose', b, a],
    ] as const) {
      const fresh = freshLogins(from, to, id, names);
      missing.push(...fresh.missing);
      for (const { rule, addresses, login } of fresh.sure) {
        changes.push(...describe({ kind, side: to, rule, login, addresses, targets }));
      }
    }
  }
  return { changes: changes.sort(byWeight), missing: uniqueMissing(missing) };
}

/** What becomes of some logins: the same key means the same session. */
interface Login {
  readonly key: string;
  readonly words: string;
  readonly rule: SshRule;
  readonly addresses: AddressSet;
}

/** Any user name that no rule writes out. */
const ANYBODY = 'any other user';

function namesAsked(rules: readonly SshRule[]): readonly string[] {
  const written = new Set(rules.flatMap((r) => [...r.users.keys()]).filter((name) => name !== '*'));
  return [...written, ANYBODY];
}

/** Every login of a device, one for each name, outcome and rule, by the first rule that matches. */
function loginsOn(side: TailnetSide, id: string, names: readonly string[]): readonly Login[] {
  const rules = side.reach.compiled.sshOn(id);
  return names.flatMap((name) => {
    let open = AddressSet.all;
    return rules.flatMap((rule): Login[] => {
      const local = localUser(rule.users, name);
      const addresses = rule.from.intersect(open);
      if (local === undefined || addresses.isEmpty()) return [];
      // A rule that is bounded from above may leave these logins to the rules after it.
      if (rule.exact) open = open.subtract(addresses);
      const { action, acceptEnv, checkPeriod, recorder, enforceRecorder } = rule;
      const key = JSON.stringify([name, local, action, acceptEnv, checkPeriod, recorder, enforceRecorder]);
      const words = `${action === 'check' ? 'SSH after a check' : 'SSH'} as ${name === ANYBODY ? ANYBODY : local}`;
      return [{ key, words, rule, addresses }];
    });
  });
}

interface Fresh {
  readonly sure: readonly { readonly rule: SshRule; readonly addresses: AddressSet; readonly login: string }[];
  readonly missing: readonly Missing[];
}

function freshLogins(from: TailnetSide, to: TailnetSide, id: string, names: readonly string[]): Fresh {
  const before = loginsOn(from, id, names);
  const sure: { rule: SshRule; addresses: AddressSet; login: string }[] = [];
  const missing: Missing[] = [];
  const isGuessed = before.some((l) => !l.rule.exact);
  for (const login of loginsOn(to, id, names)) {
    const alike = before.filter((l) => l.key === login.key);
    const known = unionOf(alike.filter((l) => l.rule.exact));
    const rest = login.addresses.subtract(known);
    if (rest.isEmpty()) continue;
    const isSame = alike.some(
      (l) => ruleText(from, l.rule) === ruleText(to, login.rule) && rest.isSubsetOf(l.addresses),
    );
    if (!login.rule.exact) {
      if (!isSame)
        missing.push({
          source: formatSpan(login.rule.span),
          why: 'whom this SSH rule lets in is only known from above',
        });
    } else if (isGuessed && rest.overlaps(unionOf(before.filter((l) => !l.rule.exact)))) {
      missing.push({
        source: formatSpan(login.rule.span),
        why: 'whom an SSH rule of the other side lets in is only known from above',
      });
    } else sure.push({ rule: login.rule, addresses: rest, login: login.words });
  }
  return { sure, missing };
}

function unionOf(logins: readonly Login[]): AddressSet {
  return logins.reduce((set, l) => set.union(l.addresses), AddressSet.empty);
}

/** Everything about a rule but its place. */
function ruleKey(side: TailnetSide, rule: SshRule): readonly unknown[] {
  const { action, from, users, acceptEnv, checkPeriod, recorder, enforceRecorder, exact } = rule;
  const text = exact ? '' : ruleText(side, rule);
  return [action, from.format(), [...users], acceptEnv, checkPeriod, recorder, enforceRecorder, text];
}

interface Described {
  readonly kind: Change['kind'];
  readonly side: TailnetSide;
  readonly rule: SshRule;
  readonly login: string;
  readonly addresses: AddressSet;
  readonly targets: readonly Device[];
}

function describe({ kind, side, rule, login, addresses, targets }: Described): Change[] {
  const { universe } = side.reach;
  const { line, column } = rule.span;
  const blame = {
    side: kind === 'gain' ? 'b' : 'a',
    file: side.file,
    line,
    column,
    text: ruleLine(side, rule),
  } as const;
  const present = targets.filter((d) => !universe.future.has(d.id));
  const shown = present.length > 0 ? present : targets;
  const to = shown.flatMap((d) => d.addresses)[0];
  return partiesAt(side, addresses).map(
    ({ party, count, address }): Change => ({
      kind,
      relation: 'ssh',
      layer: 'tailnet',
      src: party,
      dst: partyOn(side, shown),
      packets: [{ proto: 'tcp', ports: [[22, 22]] }],
      count: count * shown.length,
      login,
      witness: {
        src: address === undefined ? '' : formatAddress(address),
        dst: to === undefined ? '' : formatAddress(to),
        proto: 'tcp',
        dport: 22,
      },
      blame: [blame],
    }),
  );
}

function byWeight(a: Change, b: Change): number {
  if (a.kind !== b.kind) return a.kind === 'gain' ? -1 : 1;
  return b.count - a.count;
}
