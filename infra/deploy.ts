import * as pulumi from '@pulumi/pulumi';
import * as tailscale from '@pulumi/tailscale';
import { formatDiagnostic } from '../src/source/diagnostic.ts';
import { HostFirewalls } from './components/host-firewalls.ts';
import { TailnetDevices } from './components/tailnet-devices.ts';
import { TailnetPolicy } from './components/tailnet-policy.ts';
import { TailnetSettings } from './components/tailnet-settings.ts';
import { declare } from './declare.ts';
import type { Plan } from './plan.ts';
import { planOf } from './plan.ts';
import { proveDeclared } from './prove.ts';
import { CordonProvider } from './resources/cordon-provider.ts';
import { requireRetainOnDelete } from './retain.ts';
import type { StackSettings, TailnetApi } from './settings.ts';
import { projectPath, readStackSettings, readTailnetApi } from './settings.ts';

/** What the stack exports; nothing of it is secret. */
export interface Outputs {
  /** Path of the topology file, relative to the project: the policy pack proves the same one. */
  readonly topology: string;
  /** ETag of the declared policy. */
  readonly policyEtag: pulumi.Output<string>;
  /** Digest of all that the topology compiles to. */
  readonly topologyDigest: string;
  /** What becomes of each host's ruleset. */
  readonly hostFirewalls: Readonly<Record<string, 'applied' | 'rendered'>>;
}

/**
 * The whole program: topology → declared evidence → proof → resources. A declaration that violates a claim, or about
 * which a claim cannot be decided, ends the program before anything is registered.
 * @throws RunError with everything that is wrong
 */
export function deploy(): Outputs {
  const settings = readStackSettings(new pulumi.Config('cordon'));
  const { topology, evidence, warnings } = declare(settings.topology, projectPath);
  const proof = proveDeclared(topology, evidence, new Date().toISOString().slice(0, 10));
  if (!proof.ok) throw new pulumi.RunError(`what ${settings.topology} declares is not isolated:\n${proof.text}`);
  const api = readTailnetApi(process.env, topology.tailnet.id);
  const plan = planOf(topology, evidence, settings.hostFirewalls);
  for (const warning of warnings) void pulumi.log.warn(formatDiagnostic(warning));
  warnOfRendered(plan);
  requireRetainOnDelete();
  return create(plan, api, settings);
}

/**
 * Firewalls first, then the policy, then what the policy gives meaning to (tags, routes, authorisation).
 *
 * Whatever order is chosen, while an update runs the network is the old on one side and the new on the other. With the
 * firewalls first, what is reachable then is at most what the new rulesets let through, which name exact peers and
 * ports; a policy that widens never meets a host that is still open. The other order would be tighter only for an update
 * whose policy narrows while a ruleset widens, and there the new ruleset alone is already no wider than what is declared.
 * The price: where a host cannot be reached, the policy is not written either.
 */
function create(plan: Plan, api: TailnetApi, settings: StackSettings): Outputs {
  const tailnet = new tailscale.Provider('tailscale', { baseUrl: api.baseUrl, tailnet: api.tailnet });
  const cordon = new CordonProvider('cordon');
  const providers = [tailnet, cordon];
  const firewalls = new HostFirewalls('firewalls', plan.firewalls, { providers });
  const policy = new TailnetPolicy(
    'policy',
    { text: plan.policy, api, reviewedEtag: settings.reviewedEtag },
    { providers, dependsOn: [...firewalls.firewalls] },
  );
  new TailnetSettings('settings', plan.settings, { providers });
  new TailnetDevices('devices', plan.devices, { providers, dependsOn: policy.inPlace });
  return {
    topology: settings.topology,
    policyEtag: policy.inPlace.liveEtag,
    topologyDigest: plan.digest,
    hostFirewalls: Object.fromEntries([
      ...plan.firewalls.map(({ host }) => [host, 'applied'] as const),
      ...plan.rendered.map((host) => [host, 'rendered'] as const),
    ]),
  };
}

function warnOfRendered({ rendered }: Plan): void {
  if (rendered.length === 0) return;
  void pulumi.log.warn(`not applied from here, load these rulesets on the hosts yourself: ${rendered.join(', ')}`);
}
