import Table from 'cli-table3';
import { createColors } from 'picocolors';
import type { CommandModule } from 'yargs';
import { engineStatus } from '../../../infra/engine/engine-status.ts';
import { labAvailability } from '../../lab/availability.ts';
import { findOllama } from '../../lab/model-server.ts';
import { useColor } from '../output.ts';

interface Line {
  readonly piece: string;
  readonly state: 'found' | 'stand-in' | 'obtainable' | 'missing';
  readonly what: string;
  readonly hint: string;
}

interface Arguments {
  json: boolean;
}

/** `cordon doctor`: what is installed, of which kind, and what is missing. Changes nothing and asks no host. */
export const doctorCommand: CommandModule<object, Arguments> = {
  command: 'doctor',
  describe: 'Say which pieces are here, of which kind, and how to get what is missing',
  builder: (y) => y.option('json', { type: 'boolean', default: false, describe: 'Print JSON' }),
  async handler({ json }) {
    const lines = [...(await engineLines()), labLine(), ollamaLine()];
    if (json) {
      process.stdout.write(`${JSON.stringify({ schemaVersion: 1, pieces: lines }, null, 2)}\n`);
      return;
    }
    process.stdout.write(`${tableOf(lines)}\n`);
  },
};

async function engineLines(): Promise<Line[]> {
  const { pieces } = await engineStatus();
  return pieces.map((p) => ({
    piece: p.piece,
    state: p.state,
    what: p.path === undefined ? p.what : `${p.what}\n${p.path}`,
    hint: p.hint ?? '',
  }));
}

function labLine(): Line {
  const lab = labAvailability();
  if (lab.ok)
    return { piece: 'host firewalls', state: 'found', what: 'root, ip and nft: rulesets can be applied', hint: '' };
  return {
    piece: 'host firewalls',
    state: 'missing',
    what: 'rulesets cannot be applied on this machine',
    hint: lab.missing.join('\n'),
  };
}

function ollamaLine(): Line {
  const path = findOllama(process.env['PATH'] ?? '');
  if (path !== undefined) return { piece: 'ollama', state: 'found', what: `the real program\n${path}`, hint: '' };
  return {
    piece: 'ollama',
    state: 'stand-in',
    what: "a small HTTP server answers the demo's model port",
    hint: 'install ollama',
  };
}

function tableOf(lines: readonly Line[]): string {
  const c = createColors(useColor(process.stdout, process.env));
  const paint = { found: c.green, 'stand-in': c.yellow, obtainable: c.cyan, missing: c.red };
  const table = new Table({
    head: ['piece', 'state', 'what', 'what to do'],
    style: { head: [], border: [] },
    colWidths: [18, 12, 60, 44],
    wordWrap: true,
  });
  for (const l of lines) table.push([l.piece, paint[l.state](l.state), l.what, l.hint]);
  return table.toString();
}
