import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandModule } from 'yargs';
import { renderUnits } from '../../host/unit-files/render.ts';
import { installScript, uninstallScript } from '../../host/unit-files/scripts.ts';
import { loadable } from '../../nftables/render/boot.ts';
import { renderHost } from '../../nftables/render/host.ts';
import { CordonError, InputError } from '../../source/error.ts';
import { connectFlows } from '../../topology/compile/connections.ts';
import { planHosts } from '../../topology/compile/host-plan.ts';
import { planUnits } from '../../topology/compile/units.ts';
import { writeResult } from '../output.ts';
import { fileProblem, readDeclared, sayWarnings } from '../topology-file.ts';

interface Arguments {
  host: string;
  file: string;
  units: boolean;
  out: string | undefined;
}

/** `cordon host render HOST [FILE] [--units --out DIR]`: one host's ruleset, or all that is installed there. */
export const renderCommand: CommandModule<object, Arguments> = {
  command: 'render <host> [file]',
  describe: "Print one host's ruleset for `nft -f`, or write its units with scripts that install and remove them",
  builder: (y) =>
    y
      .positional('host', { type: 'string', demandOption: true, describe: 'Name of the host in the topology' })
      .positional('file', { type: 'string', default: 'cordon.yaml', describe: 'The topology file' })
      .option('units', {
        type: 'boolean',
        default: false,
        describe: 'Units, drop-ins and rulesets for boot, with install.sh and uninstall.sh; needs --out',
      })
      .option('out', { type: 'string', describe: 'Folder to write into', requiresArg: true }),
  handler({ host, file, units, out }) {
    const declared = readDeclared(file);
    const { topology } = declared;
    const { planned, diagnostics } = connectFlows(topology);
    if (diagnostics.some((d) => d.severity === 'error')) throw new InputError(diagnostics);
    const plan = planHosts(topology, planned).get(host);
    const place = topology.hosts.get(host);
    if (plan === undefined || place === undefined) {
      const names = [...topology.hosts.keys()].join(', ');
      throw new CordonError('unknown-host', `${file} has no host ${host}`, { hint: `its hosts are ${names}` });
    }
    sayWarnings(declared);
    const ruleset = renderHost(plan);
    if (!units) {
      if (out === undefined) writeResult(loadable(ruleset), undefined);
      else write(join(out, `${host}.nft`), loadable(ruleset), 0o644);
      return;
    }
    if (out === undefined) {
      throw new CordonError('usage', '--units writes several files', { hint: 'name a folder with --out' });
    }
    const files = renderUnits(planUnits(topology, place, plan, ruleset));
    for (const { path, text, mode } of files) write(join(out, 'files', path), text, mode);
    write(join(out, 'install.sh'), installScript(files), 0o755);
    write(join(out, 'uninstall.sh'), uninstallScript(files), 0o755);
  },
};

/** @throws CordonError `output-unwritable` */
function write(target: string, text: string, mode: number): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    chmodSync(target, mode);
  } catch (cause) {
    throw new CordonError('output-unwritable', `${target} cannot be written: ${fileProblem(cause)}`, {
      cause,
      hint: 'give another folder to --out',
    });
  }
  process.stdout.write(`${target}\n`);
}
