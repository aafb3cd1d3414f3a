import type { FilterRule } from '../../../src/tailnet/compile/filter-rules.ts';
import { type CompiledTailnet, compileTailnet, type TailnetFacts } from '../../../src/tailnet/compile.ts';
import type { Device } from '../../../src/tailnet/device.ts';
import type { Policy } from '../../../src/tailnet/policy/policy.ts';

export type Compile = typeof compileTailnet;

/** A compiler that reads another policy. */
export function onPolicy(change: (policy: Policy) => Policy): Compile {
  return (policy, facts) => compileTailnet(change(policy), facts);
}

/** A compiler that sees other devices. */
export function onFacts(change: (device: Device) => Device): Compile {
  return (policy, facts: TailnetFacts) => compileTailnet(policy, { ...facts, devices: facts.devices.map(change) });
}

/** A compiler whose packet rules are others. */
export function onRules(change: (rule: FilterRule, device: Device) => FilterRule): Compile {
  return (policy, facts): CompiledTailnet => {
    const right = compileTailnet(policy, facts);
    return {
      ...right,
      rulesOn(id) {
        const device = facts.devices.find((d) => d.id === id);
        return right.rulesOn(id).map((rule) => (device === undefined ? rule : change(rule, device)));
      },
    };
  };
}

/** A compiler some of whose answers are others. */
export function onAnswers(
  change: (right: CompiledTailnet, policy: Policy, facts: TailnetFacts) => Partial<CompiledTailnet>,
): Compile {
  return (policy, facts): CompiledTailnet => {
    const right = compileTailnet(policy, facts);
    return { ...right, ...change(right, policy, facts) };
  };
}
