import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cordon, ROOT } from './program.ts';

describe('cordon schema', () => {
  it.each(['topology', 'snapshot'])('%s prints what is published in schemas/', async (name) => {
    const { code, stdout, stderr } = await cordon(['schema', name]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const published = readFileSync(join(ROOT, 'schemas', `${name}.schema.json`), 'utf8');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(published));
    expect(JSON.parse(stdout)).toHaveProperty('$schema');
  });
});

describe('cordon doctor', () => {
  const PIECES = ['node', 'go', 'cli', 'language-host', 'tailscale-plugin', 'host firewalls', 'ollama'];

  it('--json lists every piece with a state, and what to do about each that is missing', async () => {
    const { code, stdout, stderr } = await cordon(['doctor', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report.schemaVersion).toBe(1);
    const pieces: { piece: string; state: string; what: string; hint: string }[] = report.pieces;
    expect(pieces.map((p) => p.piece)).toEqual(PIECES);
    for (const piece of pieces) {
      expect(['found', 'stand-in', 'obtainable', 'missing']).toContain(piece.state);
      expect(piece.what).not.toBe('');
      if (piece.state === 'missing') expect(piece.hint).not.toBe('');
    }
    expect(pieces.find((p) => p.piece === 'node')?.state).toBe('found');
  });

  it('prints a table without colour into a pipe', async () => {
    const { code, stdout, stderr } = await cordon(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const piece of PIECES) expect(stdout).toContain(piece);
    expect(stdout).not.toContain('\u001b');
  });

  it('finds nothing of the engine on an empty path, and still answers', async () => {
    const env = { PATH: '/nonexistent', HOME: '/nonexistent', CORDON_ENGINE: 'installed' };
    const { code, stdout } = await cordon(['doctor', '--json'], { env });
    expect(code).toBe(0);
    const cli = JSON.parse(stdout).pieces.find((p: { piece: string }) => p.piece === 'cli');
    expect(cli.state).not.toBe('found');
    expect(cli.hint).not.toBe('');
  });
});
