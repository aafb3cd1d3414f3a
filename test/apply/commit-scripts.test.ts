import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIRM, LOOK, STAGE, TIMER } from '../../src/apply/commit-scripts.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import type { CommitSpace } from './commit-space.ts';
import { commitSpace, table } from './commit-space.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2 and nftables';
const [OLD, NEW] = [table(1), table(2)];
const stageArgs = (token: string, within: number, next = NEW, previous = OLD) => {
  return [token, String(within), String(next.length), String(previous.length), TIMER];
};

describe('the scripts that put a ruleset in place', () => {
  let host: CommitSpace | undefined;
  beforeEach(() => {
    if (able) host = commitSpace('scripts', OLD);
  });
  afterEach(() => host?.remove());
  function space(): CommitSpace {
    requireOrSkip(able && host !== undefined, needs);
    return host;
  }

  it('load nothing over tables that are not the expected ones', () => {
    const { script, own } = space();
    expect(script(STAGE, stageArgs('t', 5, NEW, table(7)), NEW + table(7))).toBe('cordon: changed\n');
    expect(script(STAGE, stageArgs('t', 5, NEW, ''), NEW)).toBe('cordon: changed\n');
    expect(own()).toBe(OLD);
  });

  it('load nothing when not all of it arrived', () => {
    const { script, own, state } = space();
    // The last two are whole tables of either kind, and yet not all that was sent.
    for (const stdin of ['', NEW.slice(0, 80), NEW, NEW + OLD.slice(0, -1)]) {
      expect(script(STAGE, stageArgs('t', 5), stdin)).toBe('cordon: short\n');
      expect(own()).toBe(OLD);
      expect(existsSync(`${state}/pending`)).toBe(false);
    }
  });

  it('confirm the ruleset of their own token only', async () => {
    const { script, own, until } = space();
    expect(script(STAGE, stageArgs('t1', 1), NEW + OLD)).toBe('cordon: armed\ncordon: checked\ncordon: loaded\n');
    expect(script(LOOK, ['t1'])).toMatch(/^cordon: pending alive t1 \d{4}-.*Z, for 1 s\n$/);
    expect(script(CONFIRM, ['t2'])).toBe(`cordon: unknown\ncordon: listing\n${NEW}`);
    expect(own()).toBe(NEW);
    expect(await until(OLD, 4000)).toBe(OLD);
    expect(script(CONFIRM, ['t1'])).toBe(`cordon: undone\ncordon: listing\n${OLD}`);
    expect(script(LOOK, ['t1'])).toBe('cordon: undone\n');
  });

  it('confirm twice when an answer was lost, and leave no process behind', async () => {
    const { script, state, space: namespace } = space();
    script(STAGE, stageArgs('t1', 600), NEW + OLD);
    const once = script(CONFIRM, ['t1']);
    expect(once).toBe(`cordon: confirmed\ncordon: listing\n${NEW}`);
    expect(script(CONFIRM, ['t1'])).toBe(once);
    expect(script(LOOK, ['t1'])).toBe('cordon: confirmed\n');
    const pids = () => spawnSync('ip', ['netns', 'pids', namespace.name], { encoding: 'utf8' }).stdout;
    for (let tries = 0; pids() !== '' && tries < 40; tries++) await new Promise((done) => setTimeout(done, 100));
    expect(pids()).toBe('');
    expect(existsSync(`${state}/pending`)).toBe(false);
  });

  it('load without a timer when told to', () => {
    const { script, own } = space();
    expect(script(STAGE, stageArgs('t', 0), NEW + OLD)).toBe('cordon: checked\ncordon: loaded\n');
    expect(script(LOOK, [''])).toBe('cordon: unknown\n');
    expect(own()).toBe(NEW);
  });
});

describe('the timer on a machine with systemd', () => {
  /** A machine of its own as far as the scripts can tell: namespaces, process 1, /run, and a manager that `serve`s. */
  function machine(serve: string): { said: string; served: string; before: string; after: string } {
    const script = `
      mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
      printf '%s' "$SERVE" >/run/systemd-run && chmod 755 /run/systemd-run
      mount --bind /run/systemd-run "$(command -v systemd-run)" || exit 1
      printf '%s' "$OLD" | nft -f -
      printf '%s' "$NEW$OLD" | sh -c "$STAGE" cordon "$@"
      echo ---; cat /run/served 2>/dev/null
      echo ---; nft -s list ruleset
      sleep 3
      echo ---; nft -s list ruleset`;
    const argv = ['-nmpf', '--mount-proc', 'sh', '-c', script, 'sh', ...stageArgs('t1', 1)];
    const env = { PATH: process.env['PATH'], SERVE: `#!/bin/sh\n${serve}\n`, OLD, NEW, STAGE };
    const { stdout } = spawnSync('unshare', argv, { encoding: 'utf8', env });
    const [said = '', served = '', before = '', after = ''] = stdout.split('---\n');
    return { said, served, before, after };
  }

  it.each([
    // As systemd-run does: options, then the command, which it starts on its own.
    ['is a service of its own', 'echo "$@" >/run/served; shift 3; setsid "$@" >/dev/null 2>&1 </dev/null &', 'served'],
    ['is a session of its own where the manager refuses', 'echo no bus >&2; exit 1', ''],
  ])('%s, and takes back what was not confirmed', (_what, serve, served) => {
    requireOrSkip(able && existsSync('/usr/bin/systemd-run'), `${needs}, and systemd-run`);
    const seen = machine(serve);
    expect(seen.said).toBe('cordon: armed\ncordon: checked\ncordon: loaded\n');
    expect(seen.served.startsWith('--quiet --collect --unit=cordon-rollback-t1 sh ')).toBe(served !== '');
    expect(seen.before).toBe(NEW);
    expect(seen.after).toBe(OLD);
  });
});
