import { type ParseError, parse } from 'jsonc-parser';
import type { Observation, Source } from './assess.ts';
import type { AuditRun } from './audit.ts';
import { isRecord, sameValue, valueAt } from './keys.ts';
import { REDACTED_BY_OPENCLAW } from './reference.ts';

/** As evidence has it: what a source answered, or how it did not. */
interface Entry {
  readonly status: string;
  readonly body?: unknown;
  readonly why?: string;
}

/**
 * What a snapshot holds of one gateway:
 * - `openclaw/HOST/config`: `{openclaw, config}` (the file), or `{openclaw, exit, stdout}` with the answer of
 *   `gateway call config.get --json`
 * - `openclaw/HOST/audit`: `{openclaw, exit, stdout | audit, stderr?}` of `security audit --json`
 * - `openclaw/HOST/explain`: `{openclaw, agents: {ID: answer of sandbox explain --agent ID --json}}`; may be absent
 *
 * Sources that name different releases, or an answer in which file and running gateway differ, are not read.
 */
export function observationOfEvidence(
  { sources }: { readonly sources: Readonly<Record<string, Entry>> },
  host: string,
): Observation {
  const source = (name: string): Source<Readonly<Record<string, unknown>>> => {
    const entry = sources[`openclaw/${host}/${name}`];
    if (entry === undefined) return { kind: 'not-asked' };
    if (entry.status !== 'ok') return { kind: 'failed', why: entry.why ?? entry.status };
    return isRecord(entry.body)
      ? { kind: 'read', value: entry.body }
      : { kind: 'failed', why: 'the body is not the answer of this source' };
  };
  const [config, audit, explain] = [source('config'), source('audit'), source('explain')];
  const versions = [config, audit, explain].flatMap((s) => (s.kind === 'read' ? [s.value['openclaw']] : []));
  const isOne = versions.every((version) => version === versions[0]);
  return {
    version: isOne ? versions[0] : undefined,
    config: config.kind === 'read' ? configOf(config.value) : missing(config, 'the configuration was not read'),
    audit:
      audit.kind === 'read' ? { kind: 'read', value: auditRun(audit.value) } : missing(audit, 'the audit was not run'),
    explain: explain.kind === 'read' ? explainsOf(explain.value) : explain,
  };
}

function missing<T>(source: Source<unknown>, why: string): Source<T> {
  return source.kind === 'failed' ? source : { kind: 'failed', why };
}

function auditRun(body: Readonly<Record<string, unknown>>): AuditRun {
  return { exit: body['exit'], body: body['stdout'] ?? body['audit'], stderr: body['stderr'] };
}

function explainsOf(body: Readonly<Record<string, unknown>>): Source<readonly unknown[]> {
  const { agents } = body;
  if (!isRecord(agents)) return { kind: 'failed', why: 'the body has no answers by agent' };
  const wrong = Object.entries(agents).some(([id, answer]) => valueAt(answer, ['agentId']) !== id);
  if (wrong) return { kind: 'failed', why: 'an answer is about another agent than the one that was asked' };
  return { kind: 'read', value: Object.values(agents) };
}

/** The file's content with its references, from the file itself or from `config.get`. */
function configOf(body: Readonly<Record<string, unknown>>): Source<unknown> {
  if (body['config'] !== undefined) return textOrValue(body['config']);
  const answer = body['stdout'];
  if (body['exit'] !== 0 || !isRecord(answer)) return { kind: 'failed', why: 'config.get did not answer' };
  if (answer['valid'] === false) return { kind: 'failed', why: 'the gateway says that the file is invalid' };
  if (!sameValue(answer['configRevisionHash'], answer['appliedConfigHash'])) {
    return { kind: 'failed', why: 'the file was changed and the running gateway has not applied it: restart it' };
  }
  // 2026.2 takes the references out of what it parsed, and leaves them in the text.
  const parsed = answer['parsed'];
  const isHidden = JSON.stringify(parsed ?? null).includes(REDACTED_BY_OPENCLAW);
  const text = isHidden && typeof answer['raw'] === 'string' ? textOrValue(answer['raw']) : undefined;
  if (text?.kind === 'read') return text;
  return isRecord(parsed)
    ? { kind: 'read', value: parsed }
    : { kind: 'failed', why: 'config.get gave no configuration' };
}

/** JSON with comments and trailing commas; unquoted names, which OpenClaw reads as well, are not read here. */
function textOrValue(config: unknown): Source<unknown> {
  if (typeof config !== 'string') return { kind: 'read', value: config };
  const errors: ParseError[] = [];
  const value: unknown = parse(config, errors, { allowTrailingComma: true });
  if (errors.length > 0) return { kind: 'failed', why: 'the file is not JSON with comments' };
  if (hasInclude(value)) return { kind: 'failed', why: 'the file includes others that were not read' };
  return { kind: 'read', value };
}

/** `$include` puts another file's content in its place. */
function hasInclude(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasInclude);
  return isRecord(value) && Object.entries(value).some(([key, child]) => key === '$include' || hasInclude(child));
}
