import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PLAIN_ENVIRONMENT, SYSTEM_PATH } from './ip.ts';

/** Whether this machine and user can have a lab; `missing` says what to get, one sentence each. */
export type Availability = { readonly ok: true } | { readonly ok: false; readonly missing: readonly string[] };

const STEP_MS = 20_000;

/**
 * Finds out by making a namespace with everything in it that a lab needs, and removing it: root in a container may have
 * the name and not the rights. Takes some 50 ms.
 */
export function labAvailability(): Availability {
  if (process.platform !== 'linux') return { ok: false, missing: ['Linux: the lab is made of network namespaces'] };
  const missing: string[] = [];
  if (process.getuid?.() !== 0) missing.push('root: run as root, for example with sudo');
  if (!hasProgram('ip')) missing.push('ip: install the package iproute2');
  if (!hasProgram('nft')) missing.push('nft: install the package nftables');
  if (!existsSync('/proc/sys/net/ipv6')) missing.push('IPv6 in the kernel: the lab tries both families');
  if (missing.length === 0) missing.push(...tryNamespace());
  return missing.length === 0 ? { ok: true } : { ok: false, missing };
}

function tryNamespace(): readonly string[] {
  const name = `cordon-trial-${randomBytes(6).toString('hex')}`;
  const links = ['link add trial0 type bridge', 'link add trial1 type veth peer name trial2', 'link set dev lo up'];
  const steps: readonly (readonly [string, readonly string[], string])[] = [
    ['the right to make network namespaces (CAP_SYS_ADMIN)', ['netns', 'add', name], ''],
    ['bridges and veth in the kernel (CAP_NET_ADMIN)', ['-n', name, '-batch', '-'], `${links.join('\n')}\n`],
    ['a writable /proc/sys/net', ['netns', 'exec', name, 'tee', '/proc/sys/net/ipv4/ip_forward'], '0'],
    ['nf_tables in the kernel', ['netns', 'exec', name, 'nft', 'add', 'table', 'inet', 'trial'], ''],
  ];
  try {
    for (const [what, args, input] of steps) {
      const error = runIp(args, input);
      if (error !== undefined) return [`${what}: ${error}`];
    }
    return [];
  } finally {
    runIp(['netns', 'del', name], '');
  }
}

/** Runs `ip`; undefined, or what went wrong. */
function runIp(args: readonly string[], input: string): string | undefined {
  const options = { env: { ...PLAIN_ENVIRONMENT }, input, timeout: STEP_MS, encoding: 'utf8' } as const;
  const result = spawnSync('ip', args, options);
  if (result.status === 0) return undefined;
  return result.error?.message ?? (result.stderr.trim() || `ip ended with ${result.status ?? result.signal}`);
}

function hasProgram(name: string): boolean {
  return SYSTEM_PATH.split(':').some((directory) => existsSync(join(directory, name)));
}
