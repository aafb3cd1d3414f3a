import type { Span } from '../../source/span.ts';
import type { HujsonMember, HujsonNode } from '../hujson/parse.ts';
import { unknownKeys } from './parse-rules.ts';
import type { LocatedText, SelectorRef } from './policy.ts';
import type { PolicyReader } from './reader.ts';

/** An entry of `ssh`, as written: what the API refuses in it is decided by `sshRefusals`. */
export interface SshEntry {
  /** Position in `ssh`, from 0. */
  readonly index: number;
  readonly span: Span;
  /** `accept` or `check` in a policy that the API takes. */
  readonly action: LocatedText | undefined;
  readonly src: readonly SelectorRef[];
  readonly dst: readonly SelectorRef[];
  /** Login names and their patterns, without the white space around them. */
  readonly users: readonly LocatedText[];
  /** A Go duration or `always`. */
  readonly checkPeriod: LocatedText | undefined;
  readonly acceptEnv: readonly LocatedText[];
  /** Devices that sessions are recorded on (Tailscale documentation, "session recording"). */
  readonly recorder: readonly LocatedText[];
  /** Whether a session without a recorder is refused. */
  readonly enforceRecorder: boolean;
  /** Posture conditions: the sources that meet them are a subset of `src`. */
  readonly posture: readonly LocatedText[];
  /** Keys that we do not know: the rule may mean anything. */
  readonly unknownKeys: readonly LocatedText[];
}

/** An entry of `sshTests`, as written: what is wrong with it is decided when it is run. */
export interface SshTest {
  readonly span: Span;
  readonly src: LocatedText | undefined;
  readonly dst: readonly LocatedText[];
  readonly accept: readonly LocatedText[];
  readonly check: readonly LocatedText[];
  readonly deny: readonly LocatedText[];
  /** Keys that change the meaning in a way that is not modelled (`srcPostureAttrs`, unknown ones). */
  readonly unknownKeys: readonly LocatedText[];
}

const SSH_KEYS = new Set([
  'action',
  'src',
  'dst',
  'users',
  'checkperiod',
  'acceptenv',
  'recorder',
  'enforcerecorder',
  'srcposture',
]);

const TEST_KEYS = new Set(['src', 'dst', 'accept', 'check', 'deny']);

/** Reads one entry of `ssh`. */
export function parseSshEntry(reader: PolicyReader, node: HujsonNode, index: number): SshEntry {
  const what = `ssh[${index}]`;
  const fields = reader.fields(node, what);
  const strings = (name: string, key: string) => reader.strings(fields.get(name)?.value, `${what}.${key}`);
  return {
    index,
    span: node.span,
    action: reader.string(fields.get('action')?.value, `${what}.action`),
    src: reader.selectors(fields.get('src')?.value, `${what}.src`),
    dst: reader.selectors(fields.get('dst')?.value, `${what}.dst`),
    users: strings('users', 'users').map(({ text, span }) => ({ text: text.trim(), span })),
    checkPeriod: reader.string(fields.get('checkperiod')?.value, `${what}.checkPeriod`),
    acceptEnv: strings('acceptenv', 'acceptEnv'),
    recorder: strings('recorder', 'recorder'),
    enforceRecorder: reader.flag(fields.get('enforcerecorder'), `${what}.enforceRecorder`) !== undefined,
    posture: strings('srcposture', 'srcPosture'),
    unknownKeys: reported(reader, what, fields, SSH_KEYS, 'ssh'),
  };
}

/** Reads one entry of `sshTests`. */
export function parseSshTest(reader: PolicyReader, node: HujsonNode, index: number): SshTest {
  const what = `sshTests[${index}]`;
  const fields = reader.fields(node, what);
  const strings = (name: string) => reader.strings(fields.get(name)?.value, `${what}.${name}`);
  return {
    span: node.span,
    src: reader.string(fields.get('src')?.value, `${what}.src`),
    dst: strings('dst'),
    accept: strings('accept'),
    check: strings('check'),
    deny: strings('deny'),
    unknownKeys: reported(reader, what, fields, TEST_KEYS, 'tests'),
  };
}

/** The keys that are not known, each of which makes unknown what it could touch. */
function reported(
  reader: PolicyReader,
  what: string,
  fields: ReadonlyMap<string, HujsonMember>,
  known: ReadonlySet<string>,
  touches: 'ssh' | 'tests',
): LocatedText[] {
  const strange = unknownKeys(fields, known);
  reader.unknownKeys(what, strange);
  for (const { text, span } of strange) {
    const said = `${what}: unknown key ${JSON.stringify(text)}: what it changes is not modelled`;
    reader.unmodelled.push({ kind: 'unmodelled', span, what: said, touches: [touches] });
  }
  return strange;
}
