import type { CommandModule } from 'yargs';
import { evaluatePacket } from '../../nftables/concrete/hook.ts';
import { type Links, readLinks } from '../../nftables/concrete/links.ts';
import { readPacket } from '../../nftables/concrete/packet.ts';
import type { ConcretePacket } from '../../nftables/concrete/values.ts';
import { parseJsonRuleset } from '../../nftables/json/document.ts';
import { restoreFromText } from '../../nftables/json/restore.ts';
import { parseRuleset } from '../../nftables/parse.ts';
import type { Ruleset } from '../../nftables/ruleset.ts';
import type { Diagnostic, Result } from '../../source/diagnostic.ts';
import { InputError } from '../../source/error.ts';
import { lineMap } from '../../source/span.ts';
import { readText } from '../topology-file.ts';

interface Arguments {
  ruleset: string;
  text: string | undefined;
  context: string | undefined;
  packets: string;
}

/** `cordon host eval`: what a listed ruleset does with packets, one line of JSON for each. */
export const evalCommand: CommandModule<object, Arguments> = {
  command: 'eval',
  describe: 'Ask a listed ruleset what it does with each packet of a file, and which rule decides',
  builder: (y) =>
    y
      .option('ruleset', { type: 'string', demandOption: true, describe: '`nft -j list ruleset`', requiresArg: true })
      .option('text', {
        type: 'string',
        describe: '`nft list ruleset` of the same moment: what its JSON leaves out',
        requiresArg: true,
      })
      .option('context', {
        type: 'string',
        describe: "`ip -j address show`: the host's addresses, for `fib … type`",
        requiresArg: true,
      })
      .option('packets', {
        type: 'string',
        demandOption: true,
        describe: 'One packet a line, JSON',
        requiresArg: true,
      }),
  handler({ ruleset: rulesetFile, text, context, packets: packetFile }) {
    const ruleset = readRuleset(rulesetFile, text);
    const links = context === undefined ? undefined : readContext(context);
    const packets = orThrow(readPackets(packetFile, readText(packetFile)));
    const lines = packets.map((packet, index) => JSON.stringify({ index, ...evaluatePacket(ruleset, packet, links) }));
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  },
};

function orThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new InputError(result.diagnostics);
  return result.value;
}

function readRuleset(file: string, textFile: string | undefined): Ruleset {
  const json = parseJsonRuleset(file, readText(file));
  const text = textFile === undefined ? undefined : parseRuleset(textFile, readText(textFile));
  if (text === undefined) return orThrow(json);
  // What is wrong with either is said at once.
  const diagnostics = [json, text].flatMap((r) => (r.ok ? [] : r.diagnostics));
  if (!json.ok || !text.ok) throw new InputError(diagnostics);
  return orThrow(restoreFromText(textFile ?? file, json.value, text.value));
}

function readContext(file: string): Links {
  const text = readText(file);
  const json = parsed(text);
  const links = json === undefined ? undefined : readLinks(json.value);
  if (links !== undefined) return links;
  const hint = 'it has to be what `ip -j address show` prints';
  const span = lineMap(file, text).span(0, 0);
  throw new InputError([{ code: 'links-unread', severity: 'error', span, message: 'this is no list of links', hint }]);
}

function parsed(json: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(json) as unknown };
  } catch {
    return undefined;
  }
}

/** One packet a line; blank lines are skipped. */
function readPackets(file: string, text: string): Result<readonly ConcretePacket[]> {
  const map = lineMap(file, text);
  const packets: ConcretePacket[] = [];
  const diagnostics: Diagnostic[] = [];
  let offset = 0;
  for (const line of text.split('\n')) {
    const span = map.span(offset, line.length);
    offset += line.length + 1;
    if (line.trim() === '') continue;
    const json = parsed(line);
    const read = json === undefined ? { problems: ['this is not JSON'] } : readPacket(json.value);
    if ('packet' in read) packets.push(read.packet);
    else {
      for (const message of read.problems) {
        diagnostics.push({ code: 'packet-unread', severity: 'error', span, message });
      }
    }
  }
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, value: packets, warnings: [] };
}
