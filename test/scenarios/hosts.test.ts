import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { cordonHere } from '../cli/here.ts';
import { cordon, type Run, type RunOptions } from '../cli/program.ts';
import { execIn } from '../lab/machine.ts';
import { requireOrSkip } from '../support/require.ts';
import { withFakeNft } from './fake-nft.ts';
import {
  applyDeclared,
  type Deployment,
  deployment,
  HOSTS_MISSING,
  hostsOf,
  modelAndOrchestrator,
  type Tailnet,
  tailnetOf,
} from './world.ts';

/*
 * Hosts that do not answer as they should, at the whole program; and that a snapshot says what a look says.
 */

const HOOK_MS = 60_000;
let place: Deployment;
let tailnet: Tailnet;
let lab: Lab | undefined;

beforeAll(async () => {
  place = deployment(modelAndOrchestrator);
  tailnet = await tailnetOf(place.declared);
  if (HOSTS_MISSING === undefined) lab = await hostsOf(place);
}, HOOK_MS);
afterAll(async () => {
  await lab?.stop();
  await tailnet.close();
  place.remove();
}, HOOK_MS);
beforeEach(() => tailnet.reset());

function needHosts(): void {
  requireOrSkip(HOSTS_MISSING === undefined, HOSTS_MISSING ?? '');
}

/** As a process of its own where it must meet another `nft`, or another PATH. */
function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const all = { cwd: place.directory, env: tailnet.env, ...options };
  return options.through === undefined && options.env?.['PATH'] === undefined
    ? cordonHere(args, all)
    : cordon(args, all);
}

const router = () => `${place.run}-orch-1`;
const SOURCE = 'host/orch-1/nft.txt';

function openPolicy(): Promise<void> {
  const open = tailnet.policy().replace('"grants": [', '"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]},');
  return tailnet.console('policy', { text: open });
}

function expectUnknown({ stdout, stderr }: Run, why: RegExp): void {
  const line = stdout.split('\n').find((l) => l.trimStart().startsWith(`${SOURCE}: `));
  expect(line, stdout).toMatch(why);
  expect(stdout).not.toMatch(/^ISOLATED/);
  expect(`${stdout}${stderr}`).not.toMatch(/bug in cordon|^\s+at /m);
}

/** What `nft` does on the orchestrator, and what is said about it. */
const FAKES: readonly (readonly [what: string, body: string, why: RegExp, args: readonly string[]])[] = [
  [
    'fails',
    'if $HERE; then echo "netlink: Error: cache initialization failed" >&2; exit 1; fi',
    /failed: nft -s list ruleset ended with exit code 1: netlink/,
    [],
  ],
  [
    'is refused',
    'if $HERE; then echo "Operation not permitted (you must be root)" >&2; exit 1; fi',
    /(failed|denied): .*Operation not permitted/,
    [],
  ],
  ['is killed', 'if $HERE; then kill -9 $$; fi', /failed: .*(ended with exit code 137|was ended by a signal)/, []],
  [
    'prints half a ruleset and calls it success',
    'if $HERE; then $NFT "$@" | head -c 1500; exit 0; fi',
    /failed: the listing of the ruleset is garbled/,
    [],
  ],
  ['prints garbage', 'if $HERE; then echo "%PDF-1.7"; exit 0; fi', /failed: the listing of the ruleset is garbled/, []],
  [
    'prints a ruleset and an error',
    'if $HERE; then $NFT "$@"; echo "Error: interrupted" >&2; exit 2; fi',
    /failed: nft -s list ruleset ended with exit code 2: Error: interrupted/,
    [],
  ],
  [
    'prints one thing first and another later',
    `if $HERE; then $NFT "$@"; date +'table ip t%N {'; echo '}'; exit 0; fi`,
    /partial: the ruleset changed while the host was being read/,
    [],
  ],
  [
    'takes too long',
    'if $HERE; then sleep 8; fi',
    /late: nft -s list ruleset did not end within 2 s/,
    ['--timeout', '2'],
  ],
];

describe('nft on one host', () => {
  it.each(FAKES)('%s: 3, and says why', async (_what, body, why, args) => {
    needHosts();
    const through = withFakeNft(place.directory, router(), body);
    const result = await run(['check', ...args], { through });
    expect(result.code).toBe(3);
    expectUnknown(result, why);
  });

  // The others differ only in why.
  const telling = FAKES.filter(([what]) => /half|later|long/.test(what));
  it.each(telling)('%s, while the tailnet policy is open: 2, and still says why', async (_what, body, why, args) => {
    needHosts();
    await openPolicy();
    const through = withFakeNft(place.directory, router(), body);
    const result = await run(['check', ...args], { through });
    expect(result.code).toBe(2);
    expect(result.stdout).toMatch(/violated ingress/);
    expectUnknown(result, why);
  });

  it('prints nothing: that is an open host, not an unknown one', async () => {
    needHosts();
    const through = withFakeNft(
      place.directory,
      router(),
      'if $HERE; then case "$*" in "-j"*) ;; *) exit 0;; esac; fi',
    );
    const { code, stdout } = await run(['check'], { through });
    expect(code).toBe(2);
    expect(stdout).toMatch(/violated ingress orch-1/);
  });

  it('is the system’s own, whatever PATH says', async () => {
    needHosts();
    const bin = join(place.directory, 'bin');
    mkdirSync(bin);
    for (const name of ['nft', 'ip', 'ss']) {
      writeFileSync(join(bin, name), '#!/bin/sh\nexit 0\n');
      chmodSync(join(bin, name), 0o755);
    }
    execIn(router(), ['nft', 'flush', 'ruleset']);
    try {
      const env = { ...tailnet.env, PATH: `${bin}:${process.env['PATH']}` };
      const { code, stdout } = await run(['check'], { env });
      expect(code).toBe(2);
      expect(stdout).toMatch(/violated ingress orch-1/);
    } finally {
      await applyDeclared(place.declared, 'orch-1');
    }
  });
});

describe('a namespace that is not there', () => {
  const without = () =>
    place.write('away.yaml', (t) => t.replace(`name: ${place.run}-orch-1`, `name: ${place.run}-away`));

  it('is 3 by itself, and 2 beside a violation', async () => {
    needHosts();
    without();
    const alone = await run(['check', '--topology', 'away.yaml']);
    expect(alone.code).toBe(3);
    expectUnknown(alone, /failed: there is no network namespace \S+-away on this machine/);
    await openPolicy();
    const both = await run(['check', '--topology', 'away.yaml']);
    expect(both.code).toBe(2);
    expectUnknown(both, /failed: there is no network namespace/);
  });
});

describe('cordon observe -o, then check --snapshot', () => {
  /** Both ways must print the same and end the same. */
  async function expectAgreement(format: string, code: number, observed: number): Promise<void> {
    const live = await cordon(['check', '--format', format], { cwd: place.directory, env: tailnet.env });
    const taken = await run(['observe', '-o', 'snapshot.json']);
    expect({ code: taken.code, stdout: taken.stdout }).toEqual({ code: observed, stdout: '' });
    const read = await run(['check', '--snapshot', 'snapshot.json', '--format', format], { env: {} });
    expect(read).toEqual({ code, stdout: live.stdout, stderr: '' });
    expect(live.code).toBe(code);
    const proved = await run(['prove', 'snapshot.json', '--json'], { env: {} });
    if (format === 'json') expect(JSON.parse(proved.stdout).claims).toEqual(JSON.parse(read.stdout).claims);
    expect(proved.code).toBe(code);
  }

  it('in a clean world', async () => {
    needHosts();
    await expectAgreement('json', 0, 0);
  });

  it('with a violation', async () => {
    needHosts();
    await openPolicy();
    await expectAgreement('text', 2, 0);
  });

  it('with a source that did not answer', async () => {
    needHosts();
    await tailnet.console('fault', { route: 'GET /settings', times: 'all', fault: { kind: 'status', status: 403 } });
    await expectAgreement('json', 3, 3);
  });

  it('writes canonical JSON that another run reads as it is, and nothing when it cannot write', async () => {
    needHosts();
    await run(['observe', '-o', 'one.json']);
    const text = readFileSync(join(place.directory, 'one.json'), 'utf8');
    const snapshot = JSON.parse(text);
    expect(Object.keys(snapshot)).toEqual(['schemaVersion', 'sources', 'takenAt']);
    expect(Object.keys(snapshot.sources)).toEqual(Object.keys(snapshot.sources).toSorted());
    expect(text.endsWith('}\n')).toBe(true);
    const printed = await run(['observe']);
    expect(Object.keys(JSON.parse(printed.stdout).sources)).toEqual(Object.keys(snapshot.sources));
    const refused = await run(['observe', '-o', 'none/one.json']);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('none/one.json cannot be written: its folder does not exist');
  });
});

describe('cordon diff with live', () => {
  it('says who gained what since the declaration, and the ETag that a review covers', async () => {
    needHosts();
    const same = await run(['diff', 'cordon.yaml', 'live', '--fail-on', 'any']);
    expect(same.code).toBe(0);
    await openPolicy();
    const { code, stdout, stderr } = await run(['diff', 'cordon.yaml', 'live', '--fail-on', 'widening']);
    expect(code).toBe(2);
    expect(stdout).toContain('Difference widening');
    const etag = /has ETag ([0-9a-f]{64})\n/.exec(stderr)?.[1];
    expect(stderr).toContain(`pulumi config set cordon:reviewedEtag ${etag}\n`);
    const back = await run(['diff', 'live', 'cordon.yaml', '--fail-on', 'widening']);
    expect(back.code).toBe(0);
    expect(back.stdout).toContain('Difference narrowing');
  });

  it('is 3 when the live policy cannot be read, and names no ETag', async () => {
    needHosts();
    await tailnet.console('fault', { route: 'GET /acl', times: 'all', fault: { kind: 'status', status: 403 } });
    const { code, stdout, stderr } = await run(['diff', 'cordon.yaml', 'live']);
    expect(code).toBe(3);
    expect(stdout).toContain('tailnet/policy: denied: HTTP 403');
    expect(stderr).not.toContain('ETag');
  });

  it('takes the topology from --topology when the other side is a policy file', async () => {
    needHosts();
    writeFileSync(join(place.directory, 'next.hujson'), tailnet.policy());
    const { code, stdout, stderr } = await run(['diff', 'live', 'next.hujson', '--topology', 'cordon.yaml']);
    expect(code).toBe(0);
    expect(stdout).toContain('Difference none');
    expect(stderr).toContain('host rulesets are not compared');
  });
});
