import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../../infra/engine/package-root.ts';
import { run } from '../../access/run.ts';
import { readRuleset } from '../../apply/host-firewall-read.ts';
import { tailnetAccess } from '../../observe/tailnet-access.ts';
import { tailnetClient } from '../../observe/tailnet-client.ts';
import { observeWorld } from '../../observe/world.ts';
import { verdictOf } from '../../proof/claim.ts';
import { modelHosts } from '../../proof/intent.ts';
import type { Report } from '../../proof/report.ts';
import { describeAction } from '../../reconcile/act.ts';
import { runPass } from '../../reconcile/pass.ts';
import { textReport } from '../../report/text.ts';
import { CordonError } from '../../source/error.ts';
import type { Evidence } from '../../state/evidence.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { declaredReport, driftReport } from '../findings.ts';
import { today } from '../options.ts';
import { type Declared, readDeclared } from '../topology-file.ts';
import { briefReport } from './brief.ts';
import { type HostMode, hostMode } from './host-mode.ts';
import type { Narrator } from './narrator.ts';
import { type Stage, setStage } from './stage.ts';
import { isAsDeclared, trafficTable, tryEverybody } from './traffic.ts';

/** The slipped-in rule of the first drift. */
const ALLOW_EVERYTHING = '{"src": ["*"], "dst": ["*"], "ip": ["*"]}';

/**
 * The whole main job on this machine: provision `examples/homelab` with the real engine, see that it is isolated, break
 * it twice behind its back, see both found and healed.
 * @returns clean only when every step went as it should and every claim holds at the end
 */
export async function runDemo(tell: Narrator): Promise<ExitCode> {
  const declared = readDeclared(join(packageRoot(), 'examples', 'homelab', 'cordon.yaml'));
  const mode = await hostMode(declared);
  tell.text('cordon demo: declare, provision, check, break, notice, heal. Everything stays on this machine.');
  tell.heading('What is declared');
  const report = declaredReport(declared, today());
  tell.text(indent(textReport(report, { color: tell.color, verbose: false })));
  tell.heading('What takes part');
  let stage: Stage;
  try {
    stage = await setStage(declared, mode.kind === 'applied', tell);
  } catch (error) {
    if (!(error instanceof CordonError)) throw error;
    tell.text(`\nThe Pulumi engine cannot be had here: ${error.message}`);
    if (error.hint !== undefined) tell.text(`What to do: ${error.hint}`);
    tell.text(
      'What is declared was compiled and proved above; that needs no engine. `cordon compile --out DIR` writes it.',
    );
    return EXIT.noAnswer;
  }
  try {
    sayWhoIsReal(tell, stage, mode);
    return await new Demo(declared, stage, mode, tell).play();
  } finally {
    await stage.close();
  }
}

function sayWhoIsReal(tell: Narrator, stage: Stage, mode: HostMode): void {
  const { engine, lab } = stage;
  const plugin =
    engine.tailscalePlugin.kind === 'real' ? 'the real one' : 'a STAND-IN of ours (the real one cannot be had here)';
  tell.text(`   Pulumi CLI        the real one, ${engine.version} (${engine.cliKind})`);
  tell.text(`   Tailscale plugin  ${plugin}`);
  tell.text("   tailnet           cordon's own EMULATOR on loopback");
  tell.text(`   host firewalls    ${mode.words}`);
  if (lab?.modelServer !== undefined) {
    const kind =
      lab.modelServer.kind === 'ollama' ? 'the real ollama' : 'a small HTTP server (ollama is not installed)';
    tell.text(`   model server      ${kind}`);
  }
}

class Demo {
  readonly #declared: Declared;
  readonly #stage: Stage;
  readonly #mode: HostMode;
  readonly #tell: Narrator;
  #asExpected = true;

  constructor(declared: Declared, stage: Stage, mode: HostMode, tell: Narrator) {
    this.#declared = declared;
    this.#stage = stage;
    this.#mode = mode;
    this.#tell = tell;
  }

  async play(): Promise<ExitCode> {
    const tell = this.#tell;
    tell.heading('Before: nothing is provisioned');
    await this.#traffic();
    tell.heading('Provision: pulumi up');
    await this.#provision();
    await this.#check('the world is what was declared', 'clean');
    await this.#traffic('declared');

    tell.heading('First drift: somebody adds an allow-everything grant in the admin console');
    await tell.step('write the policy behind our back', () => this.#slipIn());
    await this.#check('the drift is noticed', 'violated');
    await this.#traffic('declared', 'the host firewalls still hold:');
    await this.#heal();
    await this.#check('clean again', 'clean');

    tell.heading("Second drift: the model host's ruleset is flushed");
    if (this.#mode.kind !== 'applied') tell.text('   left out: it needs network namespaces (root, ip and nft)');
    else {
      await tell.step('nft flush ruleset on the model host', () => this.#flush());
      await this.#check('the drift is noticed', 'violated');
      await this.#traffic(undefined, 'what the flush opened:');
      await this.#heal();
      await this.#check('clean again', 'clean');
      await this.#traffic('declared');
    }
    return this.#end();
  }

  async #provision(): Promise<void> {
    const { stack } = this.#stage;
    const render = this.#mode.kind !== 'applied';
    await this.#tell.step('pulumi stack init, pulumi config set', () =>
      stack.init({
        'cordon:topology': this.#declared.topology.file,
        ...(render ? { 'cordon:hostFirewalls': 'render' } : {}),
      }),
    );
    const up = await this.#tell.step('pulumi up --policy-pack policies', (say) => stack.up(say));
    this.#tell.text(indent(summaryLines(up.stdout)));
    const preview = await this.#tell.step('pulumi preview --refresh --expect-no-changes', () => stack.preview());
    this.#expect(preview.exitCode === 0, `the preview after up wants to change something:\n${preview.stdout}`);
  }

  /** Somebody with access to the console, not us: the emulator stores it without asking the policy guard. */
  async #slipIn(): Promise<void> {
    const { url } = this.#stage.emulator;
    const live = await fetch(`${url}/_emulator/policy`);
    const { text } = z.object({ text: z.string() }).parse(await live.json());
    const edited = text.replace('"grants": [', `"grants": [\n${ALLOW_EVERYTHING},`);
    const response = await fetch(`${url}/_emulator/policy`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: edited }),
    });
    if (!response.ok) throw new CordonError('demo-broken', `the emulator refused the edit: ${await response.text()}`);
  }

  async #flush(): Promise<void> {
    for (const host of modelHosts(this.#declared.topology)) {
      await run(host.access, ['nft', 'flush', 'ruleset'], { timeoutMs: 10_000 });
      const left = await readRuleset(host.access);
      if (left.kind !== 'read' || left.own !== '') throw new CordonError('demo-broken', `${host.name} was not flushed`);
    }
  }

  /** `cordon check`, in this process. */
  async #check(what: string, expected: 'clean' | 'violated'): Promise<void> {
    const report = await this.#tell.step(`cordon check: ${what}`, async () => this.#look());
    const text = textReport(report, { color: this.#tell.color, verbose: false });
    const verdict = verdictOf(report.claims);
    if (expected === 'violated') {
      this.#tell.text(indent(briefReport(report, this.#tell.color)));
      this.#expect(verdict === 'violated', 'the drift was not noticed');
      return;
    }
    const isClean =
      verdict === 'holds' && report.comparison?.summary !== 'unknown' && report.comparison?.changes.length === 0;
    this.#tell.text(indent(isClean ? (text.split('\n')[0] ?? '') : text));
    // Where host firewalls are not applied nothing can be known about them: that is no surprise, and no green either.
    if (this.#mode.kind === 'applied') this.#expect(isClean, 'the world is not what was declared');
    else this.#expect(verdict !== 'violated', 'the tailnet is not what was declared');
  }

  async #heal(): Promise<void> {
    const { credentials } = this.#stage;
    const access = tailnetAccess(credentials, () => '', this.#declared.topology.tailnet.id);
    const result = await this.#tell.step('cordon reconcile --stage enforce', () =>
      runPass({
        topology: this.#declared.topology,
        declared: this.#declared.evidence,
        stage: 'enforce',
        observe: () => this.#observe(),
        client: tailnetClient(access),
      }),
    );
    for (const { action, outcome } of result.taken) {
      this.#tell.text(`   ${describeAction(action)}: ${outcome.text}`);
      this.#expect(outcome.done, outcome.text);
    }
    for (const held of result.held) this.#tell.text(`   ${held.what} waits for an operator: ${held.why}`);
    this.#expect(result.taken.length > 0, 'nothing was healed');
  }

  async #traffic(expected?: 'declared', heading = 'who reaches the model, tried for real:'): Promise<void> {
    const { lab, senders } = this.#stage;
    if (lab === undefined) return;
    const attempts = await this.#tell.step('make a real request to the model from everybody', () =>
      tryEverybody(lab, this.#declared.topology, senders),
    );
    this.#tell.text(`   ${heading}`);
    this.#tell.text(indent(trafficTable(attempts, this.#tell.color)));
    if (expected === 'declared')
      this.#expect(isAsDeclared(attempts), 'somebody did not get what the topology declares');
  }

  #look(): Promise<Report> {
    return this.#observe().then((observed) => driftReport(this.#declared, observed, today()));
  }

  async #observe(): Promise<Evidence> {
    const { credentials } = this.#stage;
    const { evidence } = await observeWorld(this.#declared.topology, { env: credentials, now: () => new Date() });
    return evidence;
  }

  #expect(condition: boolean, otherwise: string): void {
    if (condition) return;
    this.#asExpected = false;
    this.#tell.text(`   NOT AS EXPECTED: ${otherwise}`);
  }

  #end(): ExitCode {
    this.#tell.heading('End');
    if (!this.#asExpected) {
      this.#tell.text('   Something did not go as it should; see NOT AS EXPECTED above.');
      return EXIT.found;
    }
    if (this.#mode.kind !== 'applied') {
      this.#tell.text(`   The tailnet went as it should. Unknown: ${this.#mode.words}.`);
      return EXIT.unknown;
    }
    this.#tell.text(
      '   Both drifts were found and healed, and the end is clean. Nothing of the demo is left on this machine.',
    );
    return EXIT.clean;
  }
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `   ${line}`))
    .join('\n');
}

/** The part of Pulumi's output that says what was done. */
function summaryLines(stdout: string): string {
  const lines = stdout.split('\n');
  const start = lines.findLastIndex((l) => /^Resources:/.test(l));
  return (start < 0 ? lines.slice(-8) : lines.slice(start)).join('\n');
}
