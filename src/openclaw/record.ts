import type { Observation } from './assess.ts';
import { isRecord } from './keys.ts';

/**
 * What a recorded run of `openclaw security audit --json` shows of a gateway: `openclaw` (version), `config` (the file),
 * `exit`, `audit` (its JSON), `stderr`, and every `sandboxExplain…`. Nothing else of the record is looked at.
 */
export function observationOfRecord(record: unknown): Observation {
  if (!isRecord(record)) {
    const source = { kind: 'failed', why: 'the record is no JSON object' } as const;
    return { version: undefined, config: source, audit: source, explain: { kind: 'not-asked' } };
  }
  const explains = Object.entries(record).filter(([key]) => key.startsWith('sandboxExplain'));
  return {
    version: record['openclaw'],
    config: { kind: 'read', value: record['config'] },
    audit: { kind: 'read', value: { exit: record['exit'], body: record['audit'], stderr: record['stderr'] } },
    explain:
      explains.length === 0 ? { kind: 'not-asked' } : { kind: 'read', value: explains.map(([, answer]) => answer) },
  };
}
