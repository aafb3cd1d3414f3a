import type { Hook } from '../../../src/nftables/ruleset.ts';
import { MARKS, PORTS, UIDS } from './packets.ts';
import { Random } from './random.ts';

type Family = 'ip' | 'ip6' | 'inet' | 'netdev';

const V4 = [
  '10.9.0.1',
  '10.9.0.2',
  '10.9.0.3',
  '10.9.1.2',
  '10.9.1.3',
  '10.9.0.0/24',
  '10.9.1.0/31',
  '10.9.0.3-10.9.1.2',
];
const V6 = ['fd09::1', 'fd09::2', 'fd09::3', 'fd09:1::2', 'fd09::/64', 'fd09:1::/127', 'fd09::3-fd09:1::2'];
const SINGLE4 = V4.filter((a) => !/[/-]/.test(a));
const SINGLE6 = V6.filter((a) => !/[/-]/.test(a));
const LINKS = ['"t0"', '"t1"', '"lo"', '"t*"', '"x9"'];
const STATES = ['new', 'established', 'related', 'invalid', 'untracked'];
const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'];

/** Named sets and maps of every table of a comparison. */
const SETS4 = `	set a4 { type ipv4_addr; flags interval; elements = { 10.9.0.2, 10.9.1.2-10.9.1.9 }; }
	set ap4 { type ipv4_addr . inet_proto . inet_service; flags interval; elements = { 10.9.0.0/24 . tcp . 80-443, 10.9.0.2 . udp . 53 }; }
	map v4 { type ipv4_addr : verdict; elements = { 10.9.0.1 : jump s0, 10.9.0.2 : drop, 10.9.1.2 : accept }; }
`;
const SETS6 = `	set a6 { type ipv6_addr; flags interval; elements = { fd09::2, fd09:1::2-fd09:1::9 }; }
`;
const SETS = `	set ports { type inet_service; flags interval; elements = { 22, 80-443 }; }
	set links { type ifname; elements = { "t0", "x9" }; }
	map pv { type inet_service : verdict; flags interval; elements = { 22 : accept, 53-80 : goto s1, 8080 : drop }; }
`;

/** A random ruleset whose base chains are all at one hook, as text for `nft -f`; its tables are called r0, r1… */
export function randomRuleset(random: Random, hook: Hook): string {
  const count = 1 + random.below(3);
  return Array.from({ length: count }, (_, i) => table(random, hook, `r${i}`)).join('');
}

function table(random: Random, hook: Hook, name: string): string {
  const isDevice = hook === 'ingress' || hook === 'egress';
  const family: Family = isDevice ? 'netdev' : random.pick(['inet', 'inet', 'ip', 'ip6'] as const);
  const sets = [family === 'ip6' ? '' : SETS4, family === 'ip' ? '' : SETS6, SETS].join('');
  // Jumps lead to chains further down only, so that there is no loop.
  const regular = ['s0', 's1', 's2'].map((chain, i) => {
    const targets = ['s0', 's1', 's2'].slice(i + 1);
    // s0 and s1 are the targets of maps, which must not lead back to them.
    return `	chain ${chain} {\n${rules(random, family, hook, targets, 1 + random.below(4), false)}	}\n`;
  });
  const bases = Array.from({ length: 1 + random.below(2) }, (_, i) => {
    const device = isDevice ? ` device "${random.pick(['t0', 't0', 't1'])}"` : '';
    const priority = random.pick(isDevice ? [-5, 0, 7, 7] : [-310, -300, -210, -199, -100, 0, 0, 10, 10, 300]);
    const policy = random.pick(['accept', 'accept', 'drop']);
    const head = `		type filter hook ${hook}${device} priority ${priority}; policy ${policy};\n`;
    return `	chain b${i} {\n${head}${rules(random, family, hook, ['s0', 's1', 's2'], 1 + random.below(8), true)}	}\n`;
  });
  // Drawn apart from the rest: the seeds that once disagreed keep their chains.
  const nat = translation(new Random(bases.join('').length), family, hook);
  return `table ${family} ${name} {\n${sets}${regular.reverse().join('')}${bases.join('')}${nat}}\n`;
}

const NAT_PRIORITY: Readonly<Partial<Record<Hook, string>>> = {
  prerouting: '-100',
  output: '-100',
  input: '100',
  postrouting: '100',
};

/** A NAT chain; its addresses are nobody's, so that what follows in the chains behind it is all that changes. */
function translation(random: Random, family: Family, hook: Hook): string {
  const priority = NAT_PRIORITY[hook];
  if (priority === undefined || family === 'netdev' || !random.chance(30)) return '';
  const isDestination = hook === 'prerouting' || hook === 'output';
  const [word, addresses] = isDestination ? ['dnat', ['10.9.1.7', 'fd09:1::7']] : ['snat', ['10.9.1.8', 'fd09:1::8']];
  const kinds = family === 'ip' ? [4] : family === 'ip6' ? [6] : [4, 6];
  const lines = Array.from({ length: 1 + random.below(3) }, () => {
    const kind = random.pick(kinds);
    const to = family === 'inet' ? `${kind === 4 ? 'ip' : 'ip6'} to` : 'to';
    const translate = `${word} ${to} ${addresses[kind === 4 ? 0 : 1] ?? ''}`;
    const what = random.chance(60) ? translate : random.pick(['accept', 'drop', 'counter']);
    return `\t\t${condition(random, family, hook)} ${what}\n`;
  });
  const policy = random.pick(['accept', 'accept', 'drop']);
  return `\tchain n {\n\t\ttype nat hook ${hook} priority ${priority}; policy ${policy};\n${lines.join('')}\t}\n`;
}

function rules(
  random: Random,
  family: Family,
  hook: Hook,
  targets: readonly string[],
  count: number,
  maps: boolean,
): string {
  return Array.from({ length: count }, () => `		${rule(random, family, hook, targets, maps)}\n`).join('');
}

function rule(random: Random, family: Family, hook: Hook, targets: readonly string[], maps: boolean): string {
  const parts: string[] = [];
  for (let n = random.below(4); n > 0; n--) parts.push(condition(random, family, hook));
  if (random.chance(20)) parts.push('counter');
  if (random.chance(15)) parts.push(change(random, family, hook));
  if (random.chance(15)) parts.push(condition(random, family, hook));
  const map = maps && random.chance(12) ? verdictMap(random, family) : undefined;
  parts.push(map ?? verdict(random, hook, targets, parts.length === 0));
  return parts.join(' ');
}

function verdict(random: Random, hook: Hook, targets: readonly string[], isBare: boolean): string {
  const jumps = targets.flatMap((t) => [`jump ${t}`, `goto ${t}`]);
  const reject = hook === 'input' || hook === 'forward' || hook === 'output' ? ['reject', 'reject with tcp reset'] : [];
  const plain = ['accept', 'drop', 'return', 'continue', 'counter', ...reject];
  // What ends everything for everybody says little.
  return random.pick(isBare ? [...jumps, 'counter', 'continue'] : [...plain, 'accept', 'drop', ...jumps]);
}

function verdictMap(random: Random, family: Family): string {
  const forms = [
    'tcp dport vmap @pv',
    'meta l4proto vmap { tcp : jump s0, udp : continue, icmp : accept }',
    'tcp dport vmap { 22 : accept, 53-80 : drop, 443 : goto s1 }',
    'tcp flags vmap { syn : accept, ack : jump s0, syn | ack : drop }',
    'iifname vmap { "t0" : jump s1, "lo" : accept }',
    'meta mark vmap { 0x1 : accept, 0x10-0x20 : drop }',
  ];
  if (family !== 'netdev')
    forms.push('ct state vmap { new : jump s0, established : accept, invalid : drop, untracked : return }');
  if (family !== 'ip6')
    forms.push('ip saddr vmap @v4', 'ip saddr . tcp dport vmap { 10.9.0.2 . 22 : accept, 10.9.0.3 . 80 : drop }');
  return random.pick(forms);
}

function change(random: Random, family: Family, hook: Hook): string {
  const mark = random.pick(MARKS);
  const forms = [
    `meta mark set ${mark}`,
    `meta mark set meta mark & 0xff00ff | ${mark}`,
    `meta mark set meta mark ^ ${mark}`,
  ];
  if (family !== 'netdev') {
    forms.push(
      `ct mark set ${mark}`,
      `ct mark set ct mark | ${mark}`,
      'ct mark set meta mark',
      'meta mark set ct mark',
    );
    if (hook === 'prerouting' || hook === 'output') forms.push('notrack');
  }
  return random.pick(forms);
}

function condition(random: Random, family: Family, hook: Hook): string {
  const not = random.chance(25) ? '!= ' : '';
  const list = (values: readonly string[]) =>
    random.chance(35) ? `{ ${random.some(values, 3).join(', ')} }` : random.pick(values);
  const forms: (() => string)[] = [
    () => `${random.pick(['tcp', 'udp'])} dport ${not}${list(PORTS.map(String))}`,
    () => `${random.pick(['tcp', 'udp'])} sport ${not}${random.pick(['20000-30000', '30000-65535', '22', '@ports'])}`,
    () => `tcp dport ${random.pick(['<', '>', '<=', '>='])} ${random.pick(PORTS)}`,
    () => `meta l4proto { tcp, udp } th dport ${not}${random.pick(['22', '@ports', '50-100'])}`,
    () => `meta l4proto ${not}${list(['tcp', 'udp', 'icmp', 'ipv6-icmp'])}`,
    () => `${random.pick(['iifname', 'oifname'])} ${not}${random.pick([...LINKS, '{ "t0", "t1" }', '@links'])}`,
    () => `${random.pick(['iif', 'oif'])} ${not}${random.pick(['"t0"', '"t1"', '"lo"'])}`,
    () => flags(random),
    () => mark(random, 'meta mark', not),
    () => protocol(family, not, random.pick(['ip', 'ip6'])),
  ];
  if (family !== 'ip6') {
    forms.push(
      () =>
        `ip ${random.pick(['saddr', 'daddr'])} ${not}${random.pick([random.pick(V4), '@a4', `{ ${random.some(SINGLE4, 3).join(', ')} }`])}`,
      () => `icmp ${random.pick(['type echo-request', 'type { echo-reply, echo-request }', 'type != 8', 'code 0'])}`,
      () => `ip protocol ${not}${list(['tcp', 'udp'])}`,
      () => `ip saddr . meta l4proto . th dport ${not}@ap4`,
      () => `ip daddr . tcp dport ${not}{ 10.9.0.1 . 22, 10.9.1.2 . 80, 10.9.0.2 . 443 }`,
    );
  }
  if (family !== 'ip') {
    forms.push(
      () =>
        `ip6 ${random.pick(['saddr', 'daddr'])} ${not}${random.pick([random.pick(V6), '@a6', `{ ${random.some(SINGLE6, 3).join(', ')} }`])}`,
      () => `icmpv6 type ${not}${list(['echo-request', 'echo-reply'])}`,
    );
  }
  if (family === 'inet' || family === 'netdev') forms.push(() => `meta protocol ${not}${random.pick(['ip', 'ip6'])}`);
  if (family === 'inet') forms.push(() => `meta nfproto ${not}${random.pick(['ipv4', 'ipv6'])}`);
  if (family !== 'netdev') {
    const tracking = [
      () => `ct state ${random.some(STATES, 3).join(',')}`,
      () => `ct state ${random.pick(['!= ', '', '! '])}${random.pick(STATES)}`,
      () => `ct state { ${random.some(STATES, 3).join(', ')} }`,
      () => `ct direction ${random.pick(['original', 'reply', '!= reply'])}`,
      () => mark(random, 'ct mark', not),
    ];
    forms.push(...tracking, ...tracking);
    if (hook !== 'egress') forms.push(() => `fib daddr type ${not}local`);
  }
  if (hook === 'output' || hook === 'postrouting') {
    forms.push(
      () => `meta skuid ${not}${list(UIDS.map(String))}`,
      () => `meta skuid ${random.pick(['< 1000', '> 0', '1000-3000'])}`,
    );
  }
  return random.pick(forms)();
}

/** In a table of one family nft does not list a test of the family, true or not: only what is true there is tried. */
function protocol(family: Family, not: string, picked: string): string {
  return family === 'ip' || family === 'ip6' ? `meta protocol ${family}` : `meta protocol ${not}${picked}`;
}

function flags(random: Random): string {
  const names = random.some(FLAGS, 2);
  return random.pick([
    `tcp flags ${names.join(',')}`,
    `tcp flags ! ${names[0] ?? 'syn'}`,
    `tcp flags == ${names.join(' | ')}`,
    `tcp flags != ${names.join(' | ')}`,
    `tcp flags & (fin | syn | rst | ack) == ${random.pick(['syn', 'ack', 'syn | ack'])}`,
    `tcp flags { syn, ack, syn | ack }`,
  ]);
}

function mark(random: Random, which: string, not: string): string {
  const value = random.pick(MARKS);
  return random.pick([
    `${which} ${not}${value}`,
    `${which} & 0xff0000 ${not === '' ? '==' : '!='} ${value & 0xff0000}`,
    `${which} { ${random.some(MARKS, 3).join(', ')} }`,
    `${which} ${random.pick(['<', '>'])} 0x10`,
    `${which} ${not}0x1-0x20`,
  ]);
}
