import type { ApplyOutcome } from '../../src/apply/host-firewall.ts';
import { applyRuleset, closeHost, describeApply } from '../../src/apply/host-firewall.ts';
import { normalForm } from '../../src/apply/host-firewall-normal.ts';
import { readRuleset } from '../../src/apply/host-firewall-read.ts';
import { InitFailedError, ProviderError } from '../grpc/errors.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import type { DiffResult } from '../grpc/provider.ts';
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

  async create({ properties, preview }) {
    if (preview) return { id: '', properties, refreshBeforeUpdate: true };
    const inputs = checkedInputs(hostFirewallInputs, properties);
    const id = idOf(inputs.access);
    expectApplied(id, inputs, properties, await applyRuleset(inputs.access, inputs.ruleset));
    return { id, properties, refreshBeforeUpdate: true };
  },

  async update({ id, news, preview }) {
    if (preview) return { properties: news, refreshBeforeUpdate: true };
    const inputs = checkedInputs(hostFirewallInputs, news);
    expectApplied(id, inputs, news, await applyRuleset(inputs.access, inputs.ruleset));
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

  async delete({ properties }) {
    const inputs = checkedInputs(hostFirewallInputs, properties);
    const wanted = inputs.onDelete ?? 'close';
    if (wanted === 'keep') return;
    const outcome = wanted === 'close' ? await closeHost(inputs.access) : await applyRuleset(inputs.access, '');
    if (outcome.kind === 'applied' || outcome.kind === 'unchanged') return;
    throw new ProviderError(describeApply(inputs.host, outcome), {
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
    throw new ProviderError(`'${id}' is no id of a host firewall`, { hint: "use 'local' or 'netns:NAME'" });
  }
  return { host: name, access, ruleset: '' };
}

function withRuleset(inputs: PropertyObject, ruleset: string): PropertyObject {
  const tree = rulesetTree('ruleset', ruleset);
  if (!tree.ok) throw new ProviderError(`the ruleset in place cannot be read: ${tree.diagnostics[0]?.message}`);
  return { ...inputs, ruleset, rules: treeProperties(tree.value) };
}

/**
 * @throws ProviderError when the host is as it was, InitFailedError when it may be different from both what it was and
 * what it should be: then the engine keeps the resource in state and repairs it with the next update
 */
function expectApplied(
  id: string,
  inputs: HostFirewallInputs,
  properties: PropertyObject,
  outcome: ApplyOutcome,
): void {
  const message = describeApply(inputs.host, outcome);
  switch (outcome.kind) {
    case 'applied':
    case 'unchanged':
      return;
    case 'mismatch':
      throw new InitFailedError({
        id,
        inputs: properties,
        properties: withRuleset(properties, outcome.own),
        reasons: [message],
      });
    case 'rejected':
      throw new ProviderError(message);
    case 'unreachable':
    case 'denied':
    case 'late':
    case 'failed': {
      if (outcome.stage === 'load' || outcome.stage === 'verify') {
        throw new InitFailedError({
          id,
          inputs: properties,
          properties: withRuleset(properties, ''),
          reasons: [message],
        });
      }
      throw new ProviderError(message, {
        hint: 'where firewalls cannot be applied, render them only: pulumi config set cordon:hostFirewalls render',
      });
    }
  }
}
