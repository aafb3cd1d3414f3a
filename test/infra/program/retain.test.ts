import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RETAINED_TYPES, retainProblem } from '../../../infra/retain.ts';
import { runProgram } from './fake-engine.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

describe('retainProblem', () => {
  it.each(RETAINED_TYPES)('wants retainOnDelete, and no protect, for %s', (type) => {
    expect(retainProblem(type, 'x', { retainOnDelete: true })).toBeUndefined();
    expect(retainProblem(type, 'x', {})).toContain('needs retainOnDelete');
    expect(retainProblem(type, 'x', { retainOnDelete: false })).toContain('needs retainOnDelete');
    expect(retainProblem(type, 'x', { retainOnDelete: true, protect: true })).toContain('must not be protected');
  });

  it('leaves other types alone', () => {
    expect(retainProblem('tailscale:index/tailnetSettings:TailnetSettings', 'x', { protect: true })).toBeUndefined();
  });
});

describe('requireRetainOnDelete', () => {
  it('stops a program before such a resource is registered, also below a component', async () => {
    const run = await runProgram(join(ROOT, 'test/infra/program/fixtures/forgets-to-retain.ts'), {
      config: {},
      rootDirectory: ROOT,
    });
    expect(run.exitCode).toBe(32);
    expect(run.log.join('\n')).toContain('tailscale:index/deviceTags:DeviceTags tags needs retainOnDelete');
    expect(run.resources.map((r) => r.type)).not.toContain('tailscale:index/deviceTags:DeviceTags');
  });
});
