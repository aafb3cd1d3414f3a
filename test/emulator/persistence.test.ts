import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { KEY, session, TAILNET } from './emulator-fixture.ts';
import { basic, call, control } from './http-client.ts';

const SECRET = 'planted-oauth-client-secret';
const CLIENT = { id: 'kCHILDCNTRL', secret: SECRET, scopes: ['all'] };

let directory: string;
let stateFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-emulator-'));
  stateFile = join(directory, 'state.json');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

interface Child {
  readonly url: string;
  readonly output: () => string;
  kill(): Promise<void>;
}

async function child(): Promise<Child> {
  const script = fileURLToPath(new URL('emulator-child.ts', import.meta.url));
  const running: ChildProcess = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => running.once('exit', () => resolve()));
  running.stdin?.end(JSON.stringify({ key: KEY, tailnetId: TAILNET, stateFile, oauthClients: [CLIENT] }));
  let output = '';
  running.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const url = await new Promise<string>((resolve, reject) => {
    let line = '';
    running.stdout?.on('data', (chunk: Buffer) => {
      line += chunk.toString('utf8');
      output += chunk.toString('utf8');
      if (line.includes('\n')) resolve(line.trim());
    });
    running.once('exit', (code) => reject(new Error(`the emulator ended with ${code}: ${output}`)));
  });
  return {
    url,
    output: () => output,
    async kill() {
      running.kill('SIGKILL');
      await exited;
    },
  };
}

describe('the state file', () => {
  it('holds everything that was answered before a kill, and no secret', async () => {
    const first = await child();
    let output = '';
    const secrets = [KEY, SECRET, Buffer.from(`${KEY}:`).toString('base64')];
    try {
      const json = async (method: string, path: string, body: unknown) => {
        const answer = await call(first.url, `/api/v2${path}`, {
          method,
          headers: basic(KEY),
          body: JSON.stringify(body),
        });
        expect(answer.status, answer.text).toBe(200);
        return JSON.parse(answer.text);
      };
      await control(first.url, 'devices', { devices: [{ hostname: 'model', nodeId: 'n1CNTRL' }] });
      await json('POST', '/tailnet/-/acl', { tagOwners: { 'tag:model': [] }, grants: [] });
      await json('POST', '/device/n1CNTRL/tags', { tags: ['tag:model'] });
      const made = [
        await json('POST', '/tailnet/-/keys', { capabilities: { devices: { create: { tags: ['tag:model'] } } } }),
        await json('POST', '/tailnet/-/keys', { keyType: 'client', scopes: ['dns'], tags: [] }),
        await json('POST', '/tailnet/-/webhooks', { endpointUrl: 'https://hook.example/', subscriptions: [] }),
      ];
      await json('POST', '/tailnet/-/posture/integrations', { provider: 'kolide', clientSecret: 'planted-posture' });
      await json('PUT', '/tailnet/-/logging/network/stream', {
        destinationType: 's3',
        token: 'planted-token',
        s3SecretAccessKey: 'planted-s3',
        gcsCredentials: 'planted-gcs',
      });
      const token = await call(first.url, '/api/v2/oauth/token', {
        method: 'POST',
        headers: { ...basic(CLIENT.id, SECRET), 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials',
      });
      expect(token.status).toBe(200);
      secrets.push(JSON.parse(token.text).access_token, ...made.map((m) => m.key ?? m.secret));
      // The random part alone would be enough.
      secrets.push(
        ...made.map(
          (m) =>
            String(m.key ?? m.secret)
              .split('-')
              .at(-1) ?? '',
        ),
      );
      secrets.push('planted-posture', 'planted-token', 'planted-s3', 'planted-gcs');
    } finally {
      await first.kill();
      output = first.output();
    }
    const text = readFileSync(stateFile, 'utf8');
    expect(output).toContain('"path":"/api/v2/tailnet/-/acl"');
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(8);
      expect(text).not.toContain(secret);
      expect(output).not.toContain(secret);
    }
    expect(statSync(stateFile).mode & 0o077).toBe(0);

    const again = await startEmulator({
      key: KEY,
      tailnetId: TAILNET,
      stateFile,
      seed: { policy: '{"seed": "loses"}' },
    });
    try {
      expect(again.state.policy.text).toBe('{"tagOwners": {"tag:model": []}, "grants": []}\n');
      expect(again.state.devices).toMatchObject([{ hostname: 'model', tags: ['tag:model'] }]);
      expect(again.state.keys.map((k) => k.keyType)).toEqual(['auth', 'client']);
      expect(again.state.log.length).toBeGreaterThan(5);
    } finally {
      await again.close();
    }
  });

  it('is whole at every moment, whenever the kill comes', async () => {
    for (const delayMs of [0, 3, 11]) {
      const running = await child();
      let answered = 0;
      const writing = (async () => {
        for (let i = 1; i <= 200; i++) {
          const text = JSON.stringify({ grants: [{ src: ['*'], dst: ['*'], ip: [`tcp:${i}`] }] });
          await control(running.url, 'policy', { text });
          answered = i;
        }
      })().catch(() => undefined);
      while (answered < 3) await new Promise((resolve) => setTimeout(resolve, 1));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await running.kill();
      await writing;
      const emulator = await startEmulator({ key: KEY, tailnetId: TAILNET, stateFile });
      try {
        const port = Number(/tcp:(\d+)/.exec(emulator.state.policy.text)?.[1]);
        // The change in flight may be there or not; none that was answered is missing.
        expect([answered, answered + 1]).toContain(port);
      } finally {
        await emulator.close();
      }
      rmSync(stateFile);
    }
  });

  it('leaves nothing beside it', async () => {
    const s = await session({ stateFile });
    await s.json('POST', '/device/n3CNTRL/authorized', { authorized: false });
    await s.emulator.close();
    expect(readdirSync(directory)).toEqual(['state.json']);
  });

  it.each([
    ['garbage', '{', 'emulator-state-unreadable'],
    ['something else', '{"devices":[]}', 'emulator-state-invalid'],
  ])('with %s in it is refused and left alone', async (_name, content, code) => {
    writeFileSync(stateFile, content);
    await expect(startEmulator({ key: KEY, tailnetId: TAILNET, stateFile })).rejects.toMatchObject({ code });
    expect(readFileSync(stateFile, 'utf8')).toBe(content);
  });

  it('of another tailnet is refused', async () => {
    await (await session({ stateFile })).emulator.close();
    await expect(startEmulator({ key: KEY, tailnetId: 'TotherCNTRL', stateFile })).rejects.toMatchObject({
      code: 'emulator-state-other-tailnet',
    });
  });

  it('that cannot be written fails the change, which then did not happen', async () => {
    const s = await session({ stateFile });
    try {
      rmSync(directory, { recursive: true, force: true });
      const answer = await s.api('POST', '/device/n3CNTRL/authorized', { authorized: false });
      expect(answer.status).toBe(500);
      expect(typeof JSON.parse(answer.text).message).toBe('string');
      expect(s.emulator.state.devices[2]?.authorized).toBe(true);
    } finally {
      await s.emulator.close();
    }
  });

  it('in a folder that does not exist is refused with a code', async () => {
    const nowhere = join(directory, 'none', 'state.json');
    await expect(startEmulator({ key: KEY, tailnetId: TAILNET, stateFile: nowhere })).rejects.toMatchObject({
      code: 'emulator-state-unwritable',
    });
  });
});
