import type { Change } from '../proof/changes/change.ts';
import { packetRanges } from './packet-words.ts';

/** A flow that is there before and after. */
export interface DrawnFlow {
  readonly from: string;
  readonly to: string;
  readonly what: string;
}

/** More arrows than this are no picture any more. */
const MOST_EDGES = 60;

/**
 * A Mermaid flowchart: declared flows thin, what somebody gains thick and red, what somebody loses dotted and grey
 * (mermaid.js.org: flowchart syntax).
 * @returns undefined where there is nothing to draw, or too much
 */
export function flowChart(flows: readonly DrawnFlow[], changes: readonly Change[]): string | undefined {
  const edges = [...flows.map(flowEdge), ...changeEdges(changes)];
  if (edges.length === 0 || edges.length > MOST_EDGES) return undefined;
  const names = [...new Set(edges.flatMap((e) => [e.from, e.to]))];
  const id = new Map(names.map((name, i) => [name, `n${i}`]));
  const lines = [
    'flowchart LR',
    ...names.map((name) => `  ${id.get(name)}["${label(name)}"]`),
    ...edges.map((e) => `  ${id.get(e.from)} ${e.arrow}|"${label(e.what)}"| ${id.get(e.to)}`),
    ...edges.flatMap((e, i) => (e.style === undefined ? [] : [`  linkStyle ${i} ${e.style}`])),
  ];
  return `${lines.join('\n')}\n`;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly what: string;
  readonly arrow: '-->' | '==>' | '-.->';
  readonly style?: string;
}

function flowEdge({ from, to, what }: DrawnFlow): Edge {
  return { from, to, what, arrow: '-->' };
}

/** One arrow for each pair of classes, however many layers and lines say so. */
function changeEdges(changes: readonly Change[]): Edge[] {
  const edges = new Map<string, Edge>();
  for (const { kind, relation, src, dst, packets, login } of changes) {
    const subject = login ?? (packets.length === 0 ? relation : packetRanges(packets));
    const what = `${kind === 'gain' ? '+' : '-'} ${subject}`;
    edges.set(`${src.selector}\n${dst.selector}\n${what}`, {
      from: src.selector,
      to: dst.selector,
      what,
      ...LOOKS[kind],
    });
  }
  return [...edges.values()];
}

const LOOKS = {
  gain: { arrow: '==>', style: 'stroke:#d1242f,stroke-width:3px' },
  lose: { arrow: '-.->', style: 'stroke:#8c959f' },
} as const;

/** Quotes and brackets end a label; Mermaid takes entity codes instead. */
function label(text: string): string {
  return text.replace(/["#<>&`[\]{}|]/g, (c) => `#${c.charCodeAt(0)};`).replace(/\s+/g, ' ');
}
