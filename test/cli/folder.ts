import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { readDeclared } from '../../src/cli/topology-file.ts';
import type { Evidence, SourceEntry } from '../../src/state/evidence.ts';
import { printSnapshot } from '../../src/state/snapshot.ts';
import { HOMELAB, ROOT } from './program.ts';

/** A folder for each test, with the homelab example in it. */
export interface TestFolder {
  readonly path: string;
  /** Text of `cordon.yaml` as the example has it. */
  readonly topology: string;
  /** Text of the base policy as the example has it. */
  readonly base: string;
  /** What the example compiles to. */
  readonly declared: Evidence;
  /** Writes a file and returns its name. */
  write(name: string, text: string): string;
  read(name: string): string;
  /** Writes what the example compiles to as a snapshot, with some sources replaced; undefined leaves one out. */
  snapshot(name: string, changed?: Readonly<Record<string, SourceEntry | undefined>>): string;
}

/** Makes the folder before each test of a file and removes it afterwards. */
export function testFolder(): TestFolder {
  let path = '';
  const topology = readFileSync(HOMELAB, 'utf8');
  const base = readFileSync(join(ROOT, 'examples/homelab/tailnet.base.hujson'), 'utf8');
  const { evidence: declared } = readDeclared(HOMELAB);
  const write = (name: string, text: string) => {
    writeFileSync(join(path, name), text);
    return name;
  };
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'cordon-cli-'));
    write('cordon.yaml', topology);
    write('tailnet.base.hujson', base);
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));
  return {
    get path() {
      return path;
    },
    topology,
    base,
    declared,
    write,
    read: (name) => readFileSync(join(path, name), 'utf8'),
    snapshot(name, changed = {}) {
      const all = Object.entries({ ...declared.sources, ...changed }).filter(([, entry]) => entry !== undefined);
      return write(name, printSnapshot({ sources: Object.fromEntries(all) as Evidence['sources'] }, TAKEN_AT));
    },
  };
}

const TAKEN_AT = '2026-11-24T12:00:00Z';

/** The body of a source that holds text. */
export function textOf(evidence: Evidence, source: string): string {
  const body = evidence.sources[source]?.body;
  if (typeof body === 'string') return body;
  const { text } = body as { text: string };
  return text;
}

/** A policy source with this text; `etag` is left for the reader to compute. */
export function policyEntry(text: string): SourceEntry {
  return { status: 'ok', body: { text } };
}

/** Everybody may reach everybody, beside the declared rules. */
export function slippedIn(policy: string): string {
  return policy.replace('"grants": [', '"grants": [\n{"src": ["*"], "dst": ["*"], "ip": ["*"]},');
}
