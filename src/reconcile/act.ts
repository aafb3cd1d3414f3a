import { applyRuleset, describeApply } from '../apply/host-firewall.ts';
import { readRuleset } from '../apply/host-firewall-read.ts';
import { cutTables } from '../apply/host-firewall-tables.ts';
import { type DeviceWrite, writeDeviceRoutes, writeDeviceTags } from '../apply/tailnet-devices.ts';
import { writePolicy } from '../apply/tailnet-policy.ts';
import type { TailnetClient } from '../observe/tailnet-client.ts';
import type { Action } from './candidates.ts';

/** What came of one step. */
export interface Outcome {
  readonly done: boolean;
  /** Whoever would have had to take it said no, and surely nothing was changed: it may be right after other steps. */
  readonly refused?: boolean;
  /** For people, one paragraph. */
  readonly text: string;
}

/**
 * Takes one step. A policy is written only over the one that was observed (If-Match); a ruleset only over
 * the one that was observed, checked, loaded in one transaction and read back.
 * @param client undefined where the tailnet cannot be written from here
 */
export async function act(action: Action, client: TailnetClient | undefined): Promise<Outcome> {
  if (action.kind === 'ruleset') return actOnHost(action);
  if (client === undefined) return { done: false, text: 'the tailnet cannot be written: no credential' };
  return actOnTailnet(action, client);
}

/**
 * Looks again before writing: nftables has no condition for a load, and what somebody changed since the ruleset was
 * observed was not judged.
 */
async function actOnHost({ host, text, replaces }: Extract<Action, { kind: 'ruleset' }>): Promise<Outcome> {
  const now = await readRuleset(host.access);
  if (now.kind !== 'read') return { done: false, text: `${host.name}: ${now.why}\nnothing was changed on the host` };
  const observed = cutTables(replaces);
  if (!observed.ok || observed.own !== now.own) {
    return {
      done: false,
      text: `${host.name}: the ruleset was changed by somebody else; nothing was changed on the host`,
    };
  }
  const outcome = await applyRuleset(host.access, text);
  const done = outcome.kind === 'applied' || outcome.kind === 'unchanged';
  const refused = outcome.kind === 'rejected' && outcome.stage !== 'load';
  return { done, refused, text: describeApply(host.name, outcome) };
}

async function actOnTailnet(action: Exclude<Action, { kind: 'ruleset' }>, client: TailnetClient): Promise<Outcome> {
  switch (action.kind) {
    case 'policy': {
      const write = await writePolicy(client, { text: action.text, replaces: action.replaces });
      if (write.kind === 'written') return { done: true, text: `tailnet policy restored (ETag ${write.etag})` };
      const why = write.kind === 'rejected' ? write.message : write.why;
      const refused = write.kind === 'rejected';
      return { done: false, refused, text: `tailnet policy not restored: ${write.kind}: ${why}` };
    }
    case 'tags': {
      const write = await writeDeviceTags(client, action.device, action.tags);
      return deviceOutcome(`tags of ${action.host.name}`, write);
    }
    case 'routes': {
      const write = await writeDeviceRoutes(client, action.device, action.routes);
      return deviceOutcome(`routes of ${action.host.name}`, write);
    }
  }
}

function deviceOutcome(what: string, write: DeviceWrite): Outcome {
  if (write.kind === 'written') return { done: true, text: `${what} restored` };
  const refused = write.kind === 'rejected';
  return { done: false, refused, text: `${what} not restored: ${refused ? write.message : write.why}` };
}

/** The step in the operator's words, before it is taken. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case 'policy':
      return 'restore the declared tailnet policy';
    case 'ruleset':
      return `restore the declared ruleset on ${action.host.name}`;
    case 'tags':
      return `set the tags of ${action.host.name} to ${action.tags.join(', ')}`;
    case 'routes':
      return `set the approved routes of ${action.host.name} to ${action.routes.join(', ') || 'none'}`;
  }
}
