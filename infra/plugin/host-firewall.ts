import type { ApplyOptions } from '../../src/apply/host-firewall.ts';
import { applyRuleset, closeHost } from '../../src/apply/host-firewall.ts';
import { normalForm } from '../../src/apply/host-firewall-normal.ts';
import type { ApplyOutcome } from '../../src/apply/host-firewall-outcome.ts';
import { describeApply } from '../../src/apply/host-firewall-outcome.ts';
import { readRuleset } from '../../src/apply/host-firewall-read.ts';
import { InitFailedError, ProviderError } from '../grpc/errors.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import type { CallContext, DiffResult } from '../grpc/provider.ts';
import { diffHostFirewall } from './host-firewall-diff.ts';
import type { HostFirewallInputs } from './host-firewall-inputs.ts';
import { accessOf, checkHostFirewall, hostFirewallInputs, idOf, treeProperties } from './host-firewall-inputs.ts';
import { checkedInputs, plainInputs } from './inputs.ts';
import type { ResourceType } from './resource.ts';
import { rulesetTree } from './ruleset-tree.ts';

/**
 * `cordon:index:HostFirewall`: cordon's own nftables tables on one host. Outputs are the inputs; after a read they hold
 * what is in place, so that a difference between state and program is a difference between host and declaration.
 * A preview never contacts the host, except to read it.
 */
export const hostFirewall: ResourceType = {
  async check({ news }) {
    return checkHostFirewall(news);
  },

  async diff({ olds, news }): Promise<DiffResult> {
    return diffHostFirewall(plainInputs(olds), plainInputs(news));
  },

  async create({ properties, preview }, context) {
    if (preview) return { id: '', properties, refreshBeforeUpdate: true };
    const id = idOf(checkedInputs(hostFirewallInputs, properties).access);
    await apply(id, properties, context);
    return { id, properties, refreshBeforeUpdate: true };
  },

  async update({ id, news, preview }, context) {
    if (!preview) await apply(id, news, context);
    return { properties: news, refreshBeforeUpdate: true };
  },

  async read({ id, name, properties, inputs }) {
    const known = inputs ?? properties;
    const imported = known === undefined || Object.keys(known).length === 0;
    const before = imported ? importedInputs(id, name) : plainInputs(known);
    const state = checkedInputs(hostFirewallInputs, before);
    const current = await rulesetInPlace(state);
    if (imported && current === '') {
      throw new ProviderError(`${state.host}: there is no table of cordon's to import`);
    }
    const read = withRuleset(before, current);
    return { id, properties: read, inputs: read, refreshBeforeUpdate: true };
  },

  async delete({ properties }, context) {
    const inputs = checkedInputs(hostFirewallInputs, properties);
    const wanted = inputs.onDelete ?? 'close';
    if (wanted === 'keep') return;
    const options = applyOptions(inputs);
    const outcome =
      wanted === 'close' ? await closeHost(inputs.access, options) : await applyRuleset(inputs.access, '', options);
    const message = describeApply(inputs.host, outcome);
    if (isInPlace(outcome)) return warn(context, outcome, message);
    throw new ProviderError(message, {
      hint: 'if the host is gone for good, drop it from the state: pulumi state delete URN',
    });
  },
};

/**
 * What is in place: the declared text if the host holds exactly that, otherwise what the host holds.
 * @throws ProviderError if that cannot be found out: an answer that is missing is never "nothing"
 */
async function rulesetInPlace(state: HostFirewallInputs): Promise<string> {
  const live = await readRuleset(state.access);
  if (live.kind !== 'read') throw new ProviderError(`${state.host}: ${live.why}`);
  if (live.own === state.ruleset) return state.ruleset;
  const declared = await normalForm(state.access, state.ruleset);
  switch (declared.kind) {
    case 'normal':
      return declared.own === live.own ? state.ruleset : live.own;
    case 'rejected':
      // What this host would not load cannot be what it holds.
      return live.own;
    default:
      throw new ProviderError(`${state.host}: ${declared.why}`);
  }
}

function importedInputs(id: string, name: string): PropertyObject {
  const access = accessOf(id);
  if (access === undefined) {
    throw new ProviderError(`'${id}' is no id of a host firewall`, {
      hint: "use 'local', 'netns:NAME' or 'ssh:TARGET'",
    });
  }
  return { host: name, access, ruleset: '' };
}

function withRuleset(inputs: PropertyObject, ruleset: string): PropertyObject {
  const tree = rulesetTree('ruleset', ruleset);
  if (!tree.ok) throw new ProviderError(`the ruleset in place cannot be read: ${tree.diagnostics[0]?.message}`);
  return { ...inputs, ruleset, rules: treeProperties(tree.value) };
}

/**
 * Puts the declared ruleset in place.
 * @throws ProviderError when the host is as it was, or goes back to that by itself, InitFailedError when it may be
 * different from both what it was and what it should be: then the engine keeps the resource in state and repairs it with
 * the next update
 */
async function apply(id: string, properties: PropertyObject, context: CallContext): Promise<void> {
  const inputs = checkedInputs(hostFirewallInputs, properties);
  const outcome = await applyRuleset(inputs.access, inputs.ruleset, applyOptions(inputs));
  const message = describeApply(inputs.host, outcome);
  if (isInPlace(outcome)) return warn(context, outcome, message);
  const left = inPlaceAfter(outcome);
  if (left !== undefined) {
    throw new InitFailedError({
      id,
      inputs: properties,
      properties: withRuleset(properties, left),
      reasons: [message],
    });
  }
  throw new ProviderError(message, {
    ...(outcome.kind === 'unreachable' || outcome.kind === 'denied' ? { hint: RENDER_HINT } : {}),
  });
}

const RENDER_HINT =
  'where firewalls cannot be applied, render them only: pulumi config set cordon:hostFirewalls render';

function applyOptions({ confirmWithin }: HostFirewallInputs): ApplyOptions {
  return confirmWithin === undefined ? {} : { confirmWithinS: confirmWithin };
}

function isInPlace({ kind }: ApplyOutcome): boolean {
  return kind === 'applied' || kind === 'unchanged' || kind === 'closed-unseen';
}

/** What an interrupted apply left behind, and a closed host that cannot be read, are worth a line although all is well. */
async function warn(context: CallContext, outcome: ApplyOutcome, message: string): Promise<void> {
  if (outcome.notes.length > 0 || outcome.kind === 'closed-unseen') await context.log('warning', message);
}

/** What state has to hold of a host that may be neither as it was nor as declared; undefined where it is as it was. */
function inPlaceAfter(outcome: ApplyOutcome): string | undefined {
  if (outcome.kind === 'mismatch') return outcome.undone ? undefined : outcome.own;
  const isUncertain = 'stage' in outcome && (outcome.stage === 'load' || outcome.stage === 'verify');
  return isUncertain && outcome.kind !== 'rejected' ? '' : undefined;
}
