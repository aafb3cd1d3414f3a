import type { FilterRule } from '../../tailnet/compile/filter-rules.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import type { TailnetReach } from '../relations/tailnet.ts';

/** One side of a comparison of packet filters. */
export interface TailnetSide {
  readonly reach: TailnetReach;
  readonly policy: Policy;
  /** The policy's text, for recognising rules that both sides have word for word. */
  readonly text: string;
  /** File name for blame. */
  readonly file: string;
}

/** The device as this side knows it: its tags and routes may differ. */
export function deviceOn(side: TailnetSide, device: Device): Device {
  return side.reach.universe.byId(device.id) ?? device;
}

/** The rule as it stands in the file; empty where no line says it. */
export function ruleText(side: TailnetSide, { span }: Pick<FilterRule, 'span'>): string {
  return span === undefined ? '' : side.text.slice(span.offset, span.offset + span.length);
}

/** The rule on one line, for people. */
export function ruleLine(side: TailnetSide, rule: Pick<FilterRule, 'span'>): string {
  return ruleText(side, rule).replace(/\s+/g, ' ');
}
