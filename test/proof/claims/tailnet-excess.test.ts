import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/state/evidence.ts';
import {
  claimOf,
  namesOf,
  policyOf,
  proved,
  type World,
  withDevice,
  withGrant,
  withPolicy,
  withPolicyText,
  withStranger,
} from '../../support/evidence.ts';
import { futureEnds, replays } from '../../support/replay.ts';
import { homelab, node, plain } from '../../support/ruleset-edits.ts';

/** A change of the tailnet, and what the claims say after it. */
interface Case {
  readonly name: string;
  readonly world: World;
  readonly edit: (e: Evidence) => Evidence;
  /** Every claim that is violated, and of the first of them the causes without IAC-03. */
  readonly violated: readonly string[];
  readonly causes: readonly string[];
}

const GW = 'nGw1DemoCNTRL';
const all = ['exec-1', 'gw-1', 'ollama-1', 'orch-1'].flatMap((h) => [`ingress ${h}`, `egress ${h}`]);

const holes: readonly Case[] = [
  {
    name: 'everybody may do everything',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['*'], dst: ['*'], ip: ['*'] }),
    violated: all,
    causes: ['TS-ACL-02'],
  },
  {
    name: 'neither acls nor grants',
    world: homelab,
    edit: (e) => withPolicyText(e, '{"tagOwners": {"tag:model": ["ops@example.com"]}}'),
    violated: [...all, 'flow tailnet/base'],
    causes: ['TS-ACL-01'],
  },
  {
    name: 'the policy was reset to nothing',
    world: homelab,
    edit: (e) => withPolicyText(e, '{}'),
    violated: [...all, 'flow tailnet/base'],
    causes: ['TS-ACL-01'],
  },
  {
    name: 'grants is null, which is absent',
    world: homelab,
    edit: (e) => withPolicyText(e, '{"grants": null}'),
    violated: [...all, 'flow tailnet/base'],
    causes: ['TS-ACL-01'],
  },
  {
    name: 'an old acls entry beside tight grants',
    world: homelab,
    edit: (e) =>
      withPolicy(
        e,
        /"grants": \[/,
        '"acls": [{"action": "accept", "src": ["tag:ci"], "dst": ["tag:gateway:22"]}],\n"grants": [',
      ),
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-02', 'TS-ACL-26', 'TS-ACL-04'],
  },
  {
    name: 'one port more from the declared source',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:executor'], dst: ['tag:gateway'], ip: ['tcp:442-443'] }),
    violated: ['egress exec-1', 'ingress gw-1'],
    causes: ['TS-ACL-05'],
  },
  {
    name: 'the same port without a protocol: UDP comes with it',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:executor'], dst: ['tag:gateway'], ip: ['443'] }),
    violated: ['egress exec-1', 'ingress gw-1'],
    causes: ['TS-ACL-05'],
  },
  {
    name: 'a source more in one list: the cross product',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:executor', 'tag:ci'], dst: ['tag:gateway', 'tag:media'], ip: ['tcp:443'] }),
    violated: ['egress exec-1', 'ingress gw-1'],
    causes: ['TS-ACL-02'],
  },
  {
    name: 'any member',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['autogroup:member'], dst: ['tag:gateway'], ip: ['tcp:443'] }),
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-02', 'TS-ACL-26'],
  },
  {
    name: 'a future holder of the model tag may open something',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:model'], dst: ['tag:media'], ip: ['tcp:443'] }),
    violated: ['egress ollama-1'],
    causes: ['TS-ACL-03', 'TS-ACL-26'],
  },
  {
    name: 'the model itself is among the tagged',
    world: node,
    edit: (e) => withGrant(e, { src: ['autogroup:tagged'], dst: ['ops@example.com'], ip: ['tcp:443'] }),
    violated: ['egress ollama-1', 'egress orch-1'],
    causes: ['TS-ACL-03'],
  },
  {
    name: 'the model to the orchestrator, the declared flow the wrong way round',
    world: node,
    edit: (e) => withGrant(e, { src: ['tag:model'], dst: ['tag:orchestrator'], ip: ['tcp:11434'] }),
    violated: ['egress ollama-1', 'ingress orch-1'],
    causes: ['TS-ACL-03'],
  },
  {
    name: 'a literal address that somebody may get',
    world: node,
    edit: (e) => withGrant(e, { src: ['100.64.9.9'], dst: ['tag:model'], ip: ['tcp:11434'] }),
    violated: ['ingress ollama-1'],
    causes: ['TS-ACL-02', 'TS-ACL-26'],
  },
  {
    name: 'only IPv6 of the model by its address',
    world: node,
    edit: (e) => withGrant(e, { src: ['*'], dst: ['fd7a:115c:a1e0::a'], ip: ['tcp:11434'] }),
    violated: ['ingress ollama-1', 'egress ollama-1'],
    causes: ['TS-ACL-02', 'TS-ACL-26'],
  },
  {
    name: 'an alias that stands for the model',
    world: node,
    edit: (e) =>
      withPolicyText(
        e,
        policyOf(e).replace(
          '"grants": [',
          '"hosts": {"box": "100.64.0.10"},\n"grants": [{"src":["*"],"dst":["box"],"ip":["tcp:22"]},',
        ),
      ),
    violated: ['ingress ollama-1', 'egress ollama-1', 'egress orch-1'],
    causes: ['TS-ACL-02'],
  },
  {
    name: "a network that covers the model's segment, which nobody routes yet",
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:ci'], dst: ['10.77.0.0/16'], ip: ['tcp:11434'] }),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-ACL-02', 'TS-ACL-08', 'TS-ACL-26'],
  },
  {
    name: 'the same, through routers of a tag that nobody holds',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:ci'], dst: ['10.77.0.0/16'], ip: ['tcp:11434'], via: ['tag:media'] }),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-ACL-02', 'TS-ACL-08', 'TS-ACL-26'],
  },
  {
    name: 'the internet for the orchestrator, once there is an exit node',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:orchestrator'], dst: ['autogroup:internet'], ip: ['*'] }),
    violated: ['egress orch-1'],
    causes: ['TS-ACL-02', 'TS-ACL-08'],
  },
  {
    name: 'a network as a source, from which the gateway is reached once it is routed',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['192.168.7.0/24'], dst: ['tag:gateway'], ip: ['tcp:443'] }),
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-02', 'TS-ACL-26'],
  },
  {
    name: 'a 4via6 network that stands for the segment',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:ci'], dst: ['fd7a:115c:a1e0:b1a:0:7:a4d:100/120'], ip: ['tcp:11434'] }),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-ACL-02', 'TS-ACL-08', 'TS-ACL-26'],
  },
  {
    name: 'a stranger with the tag of an executor',
    world: homelab,
    edit: (e) => withStranger(e, { user: undefined, tags: ['tag:executor'] }),
    violated: ['authority tailnet/devices', 'ingress gw-1'],
    causes: ['TS-DEV-02'],
  },
  {
    name: 'a router hands the segment on past the policy of the orchestrator',
    world: homelab,
    edit: (e) =>
      withGrant(
        withStranger(e, { tags: ['tag:media'], advertisedRoutes: ['10.77.1.0/24'], enabledRoutes: ['10.77.1.0/24'] }),
        {
          src: ['tag:ci'],
          dst: ['10.77.1.10'],
          ip: ['tcp:11434'],
        },
      ),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-ACL-02', 'TS-ACL-08', 'TS-ACL-26', 'TS-RT-05'],
  },
  {
    name: 'an approved route that covers the segment, although no rule uses it',
    world: homelab,
    edit: (e) => withStranger(e, { advertisedRoutes: ['10.77.0.0/16'], enabledRoutes: ['10.77.0.0/16'] }),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-RT-05'],
  },
  {
    name: 'the same approved before the device advertises it',
    world: homelab,
    edit: (e) => withStranger(e, { enabledRoutes: ['fd77:1::/48'] }),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-RT-05'],
  },
  {
    name: 'a part of the segment with no declared host in it',
    world: homelab,
    edit: (e) => withStranger(e, { enabledRoutes: ['10.77.1.128/25'] }),
    violated: ['ingress ollama-1', 'ingress orch-1'],
    causes: ['TS-RT-05'],
  },
  {
    name: 'the 4via6 stand-in of the model at some site',
    world: homelab,
    edit: (e) => withStranger(e, { enabledRoutes: ['fd7a:115c:a1e0:b1a:0:9:a4d:10a/128'] }),
    violated: ['ingress ollama-1'],
    causes: ['TS-RT-05'],
  },
  {
    name: 'a capability over the gateway',
    world: homelab,
    edit: (e) =>
      withGrant(e, { src: ['tag:ci'], dst: ['tag:gateway'], app: { 'tailscale.com/cap/webui': [{ canEdit: ['*'] }] } }),
    violated: ['ingress gw-1'],
    causes: ['TS-ACL-13'],
  },
  {
    name: 'a capability that the model has over somebody else',
    world: node,
    edit: (e) => withGrant(e, { src: ['tag:model'], dst: ['ops@example.com'], app: { 'example.com/cap/x': [] } }),
    violated: ['egress ollama-1'],
    causes: ['TS-ACL-13'],
  },
  {
    name: 'an executor that also carries the tag of the gateway',
    world: homelab,
    edit: (e) => withDevice(e, 'nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:gateway'] }),
    violated: ['authority exec-1', 'ingress exec-1', 'egress exec-1'],
    causes: ['TS-DEV-05'],
  },
  {
    name: 'a declared device is somebody’s own again',
    world: homelab,
    edit: (e) => withDevice(e, GW, { tags: [], user: 'mallory@example.com' }),
    violated: ['authority gw-1', 'flow executor-gateway'],
    causes: ['TS-DEV-05'],
  },
  {
    name: 'the address of a declared device changed',
    world: homelab,
    edit: (e) => withDevice(e, GW, { addresses: ['100.64.0.41', 'fd7a:115c:a1e0::28'] }),
    violated: ['authority gw-1', 'flow executor-gateway'],
    causes: ['TS-ACL-10'],
  },
  {
    name: 'a stranger has a declared address',
    world: homelab,
    edit: (e) =>
      withStranger(withDevice(e, GW, { addresses: ['100.64.0.41', 'fd7a:115c:a1e0::29'] }), {
        addresses: ['100.64.0.40', 'fd7a:115c:a1e0::28'],
      }),
    violated: ['authority gw-1', 'flow executor-gateway'],
    causes: ['TS-ACL-10'],
  },
];

/** The nearest changes that open nothing to anybody whom the topology speaks of. */
const fine: readonly Pick<Case, 'name' | 'world' | 'edit'>[] = [
  {
    name: 'a rule between others',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:ci', 'autogroup:member'], dst: ['tag:media'], ip: ['*'] }),
  },
  {
    name: 'the declared rule once more',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:executor'], dst: ['tag:gateway'], ip: ['tcp:443'] }),
  },
  {
    name: 'a rule without sources',
    world: homelab,
    edit: (e) => withGrant(e, { src: [], dst: ['*'], ip: ['*'] }),
  },
  {
    name: 'a rule for the internet, without an exit node',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:ci'], dst: ['autogroup:internet'], ip: ['*'] }),
  },
  {
    name: 'a network that covers nothing declared',
    world: homelab,
    edit: (e) => withGrant(e, { src: ['tag:ci'], dst: ['10.78.0.0/16'], ip: ['*'] }),
  },
  {
    name: 'a stranger without tags',
    world: homelab,
    edit: (e) => withStranger(e, {}),
  },
  {
    name: 'a stranger that routes another network, and an exit node',
    world: homelab,
    edit: (e) =>
      withStranger(e, {
        advertisedRoutes: ['10.78.0.0/16', '0.0.0.0/0', '::/0'],
        enabledRoutes: ['10.78.0.0/16', '0.0.0.0/0', '::/0'],
      }),
  },
  {
    name: 'a 4via6 network of other addresses',
    world: homelab,
    edit: (e) => withStranger(e, { enabledRoutes: ['fd7a:115c:a1e0:b1a:0:9:a4e:100/120'] }),
  },
  {
    name: 'a route that a declared flow crosses its router to',
    world: plain,
    edit: (e) => e,
  },
  {
    name: 'other comments and another layout',
    world: homelab,
    edit: (e) => withPolicyText(e, policyOf(e).replaceAll(/^\t+/gm, '  ').replace('{', '{\n// reviewed yesterday\n')),
  },
];

describe('a tailnet that lets something through', () => {
  it.each(holes.map((h) => [h.name, h] as const))('%s', (_name, { world, edit, violated, causes }) => {
    const evidence = edit(world.evidence);
    const claims = proved(world, evidence);
    expect(namesOf(claims, 'violated')).toEqual(violated);
    const [first = ''] = violated;
    expect([...claimOf(claims, first).causes].filter((id) => id !== 'IAC-03').sort()).toEqual([...causes].sort());
    for (const name of violated) {
      const { witness } = claimOf(claims, name);
      if (witness?.layer.startsWith('tailnet policy (') !== true) continue;
      const future = futureEnds(witness);
      // Nobody has the address, or routes it, until somebody approves a route: nothing to replay it against.
      if (/^whoever/.test(witness.to)) continue;
      expect(replays(evidence, witness, future), `${name}: ${JSON.stringify(witness)}`).toBe(true);
      if (!/stranger/.test(witness.from))
        expect(replays(world.evidence, witness, future), `${name} before`).toBe(false);
    }
  });

  it('is blamed with the line of the rule, its place in the section and its text', () => {
    const evidence = withGrant(homelab.evidence, { src: ['tag:ci'], dst: ['tag:gateway'], ip: ['tcp:22'] });
    const { blame, causes } = claimOf(proved(homelab, evidence), 'ingress gw-1');
    const line = policyOf(evidence).split('"grants": [')[0]?.split('\n').length ?? 0;
    expect(blame).toEqual([
      {
        source: 'tailnet/policy',
        line: line + 1,
        column: 1,
        rule: 'grants[0]',
        text: '{"src":["tag:ci"],"dst":["tag:gateway"],"ip":["tcp:22"]}',
      },
    ]);
    expect(causes).toContain('IAC-03');
  });

  it('is the declared policy’s own fault where nobody edited it', () => {
    const world = {
      ...homelab,
      evidence: withGrant(homelab.evidence, { src: ['tag:ci'], dst: ['tag:gateway'], ip: ['*'] }),
    };
    expect(claimOf(proved(world), 'ingress gw-1').causes).not.toContain('IAC-03');
  });
});

describe('a tailnet that lets nothing more through', () => {
  it.each(fine.map((f) => [f.name, f] as const))('%s', (_name, { world, edit }) => {
    const claims = proved(world, edit(world.evidence));
    expect([...namesOf(claims, 'violated'), ...namesOf(claims, 'unknown')]).toEqual([]);
  });
});
