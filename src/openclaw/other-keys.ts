import { type KeyPath, keyPath, matches } from './keys.ts';
import type { Severity } from './line.ts';

/** What a key that no line of the baseline has means for isolation. */
export type OtherKey =
  /** It decides nothing about who reaches what. */
  | { readonly kind: 'neutral' }
  /** It opens something, except with one of `harmless`. */
  | {
      readonly kind: 'opens';
      readonly harmless: readonly unknown[];
      readonly causes: readonly string[];
      readonly severity: Severity;
      readonly fix: string;
    }
  /** Nobody has looked at it. */
  | { readonly kind: 'unknown' };

type Row = readonly [
  pattern: string,
  harmless: readonly unknown[] | 'neutral',
  causes?: string,
  severity?: Severity,
  fix?: string,
];

const REMOVE = 'Remove the key, or declare it.';

/**
 * The first row that matches decides. Sections that open ways in or out are listed as a whole, so that a key which a
 * release adds there is a deviation until somebody declares it; before them the keys that are known to be harmless, with
 * the values that are (defaults of openclaw `src/config/schema.help.ts`).
 */
const ROWS: readonly Row[] = [
  // About the file, the looks, the words.
  ...neutral(
    '$schema meta.** wizard.** ui.** messages.ackReaction messages.ackReactionScope messages.removeAckAfterReply messages.responsePrefix',
  ),
  ...neutral('logging.level logging.consoleLevel logging.consoleStyle logging.maxFileBytes logging.redactPatterns'),
  ...neutral(
    'session.reset.** session.resetByType.** session.resetByChannel.** session.resetTriggers session.maintenance.**',
  ),
  ...neutral(
    'update.channel cron.enabled cron.maxConcurrentRuns cron.sessionRetention cron.skipMissedJobs cron.runLog.**',
  ),
  ...neutral('agents.defaults.maxConcurrent agents.defaults.subagents.maxConcurrent agents.defaults.compaction.mode'),
  ...neutral(
    'agents.defaults.compaction.keepRecentTokens agents.defaults.compaction.reserveTokensFloor agents.defaults.contextPruning.**',
  ),
  ...neutral(
    'agents.defaults.subagents.archiveAfterMinutes agents.defaults.subagents.runTimeoutSeconds agents.defaults.userTimezone',
  ),
  ...neutral(
    'agents.defaults.thinkingDefault agents.defaults.verboseDefault agents.defaults.reasoningDefault agents.defaults.timeoutSeconds',
  ),
  ...neutral(
    'agents.defaults.humanDelay.** agents.defaults.typingMode agents.defaults.typingIntervalSeconds agents.defaults.heartbeat.every',
  ),
  ...neutral(
    'agents.defaults.heartbeat.agentId agents.defaults.timeFormat agents.defaults.mediaMaxMb agents.defaults.imageMaxDimensionPx',
  ),
  ...neutral(
    'agents.defaults.name agents.defaults.description agents.defaults.identity.** agents.defaults.default agents.defaults.id',
  ),
  ...neutral(
    'agents.defaults.sandbox.docker.image agents.defaults.sandbox.docker.containerPrefix agents.defaults.sandbox.docker.workdir',
  ),
  ...neutral(
    'agents.defaults.sandbox.docker.tmpfs agents.defaults.sandbox.docker.pidsLimit agents.defaults.sandbox.docker.memory',
  ),
  ...neutral(
    'agents.defaults.sandbox.docker.memorySwap agents.defaults.sandbox.docker.cpus agents.defaults.sandbox.docker.ulimits.**',
  ),
  ...neutral(
    'agents.defaults.sandbox.prune.** tools.exec.timeoutSec tools.exec.timeoutSeconds tools.exec.backgroundMs tools.exec.cleanupMs',
  ),
  ...neutral(
    'tools.exec.notifyOnExit tools.exec.notifyOnExitEmptySuccess tools.exec.approvalRunningNoticeMs tools.exec.commandHighlighting',
  ),
  ...neutral(
    'tools.loopDetection.** tools.updatePlan gateway.reload.** gateway.tls.enabled gateway.controlUi.enabled gateway.controlUi.basePath',
  ),
  ...neutral('gateway.controlUi.environment.** gateway.channelHealthCheckMinutes gateway.http.securityHeaders.**'),

  // Routes among agents, each of which is judged by itself.
  ['bindings', 'neutral'],

  // Harmless with the value named, a way in with any other.
  [
    'gateway.auth.allowTailscale',
    [false],
    'OC-04',
    'high',
    'Set it to false: whoever reaches the tailnet proxy needs no token.',
  ],
  ['gateway.auth.rateLimit.exemptLoopback', [true], 'OC-01', 'low', REMOVE],
  ['gateway.allowRealIpFallback', [false], 'OC-05', 'high', 'Remove the key: a header must not name the client.'],
  [
    'gateway.controlUi.allowedOrigins',
    [[]],
    'OC-19 OC-01',
    'high',
    'Remove the list on a loopback gateway; it also silences the audit about the bind.',
  ],
  ['gateway.controlUi.allowExternalEmbedUrls', [false], 'OC-19', 'medium', REMOVE],
  ['gateway.controlUi.embedSandbox', ['strict'], 'OC-19', 'medium', REMOVE],
  ['gateway.controlUi.allowInsecureAuth', [false], 'OC-19', 'high', REMOVE],
  ['gateway.controlUi.dangerouslyDisableDeviceAuth', [false], 'OC-19', 'critical', REMOVE],
  ['gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback', [false], 'OC-19', 'critical', REMOVE],
  ['gateway.controlUi.**', [], 'OC-19', 'medium', REMOVE],
  ['gateway.tailscale.resetOnExit', [false, true], 'OC-03', 'low', REMOVE],
  ['gateway.tailscale.preserveFunnel', [false], 'OC-03', 'high', REMOVE],
  ['gateway.tailscale.**', [], 'OC-03', 'high', REMOVE],
  ['gateway.http.endpoints.*.enabled', [false], 'OC-01', 'high', 'Remove the endpoint: nothing declared uses it.'],
  ['gateway.tools.deny', 'neutral'],
  ['gateway.tools.allow', [[]], 'OC-08', 'high', 'Remove the list: it opens tools to callers of the HTTP endpoint.'],
  ['gateway.terminal.enabled', [false], 'OC-08', 'high', REMOVE],
  ['gateway.cliAgents.enabled', [false], 'OC-08', 'medium', REMOVE],
  ['gateway.nodes.browser.mode', ['off'], 'OC-09', 'medium', REMOVE],
  [
    'gateway.nodes.pluginTools.enabled',
    [false],
    'OC-09',
    'medium',
    'Set it to false: nodes must not bring tools of their own.',
  ],
  ['gateway.nodes.allowSkills', [false], 'OC-09', 'medium', REMOVE],
  ['gateway.nodes.**', [], 'OC-09', 'high', REMOVE],
  ['gateway.trustedProxies.**', [], 'OC-05', 'high', REMOVE],
  [
    'gateway.customBindHost',
    [],
    'OC-01',
    'critical',
    'Remove it: it moves the gateway off loopback as soon as bind is "custom".',
  ],
  ['gateway.auth.**', [], 'OC-01 OC-02', 'high', REMOVE],
  ['gateway.**', [], 'OC-01', 'high', REMOVE],

  ['tools.elevated.**', [{}], 'OC-08', 'high', 'Remove the sender lists: nobody is elevated.'],
  ['tools.sandbox.tools.alsoAllow', [[]], 'OC-08', 'high', 'Remove it: it adds to the allow list.'],
  ['tools.web.fetch.enabled', [false], 'OC-14', 'high', REMOVE],
  ['tools.web.search.enabled', [false], 'OC-14', 'high', REMOVE],
  ['tools.web.**', [], 'OC-14', 'high', REMOVE],
  ['tools.exec.applyPatch.enabled', [true, false], 'OC-08', 'low', REMOVE],
  ['tools.exec.node', [], 'OC-09', 'high', 'Remove it, or declare the node.'],
  ['tools.exec.safeBins', [[]], 'OC-08', 'high', 'Remove the list: what is on it runs without approval.'],
  ['tools.exec.strictInlineEval', [true], 'OC-08', 'high', REMOVE],
  ['tools.agentToAgent.enabled', [false], 'OC-08', 'medium', REMOVE],
  ['tools.sessions.visibility', ['self', 'tree'], 'OC-08', 'medium', REMOVE],
  ['tools.message.broadcast.enabled', [false], 'OC-20', 'medium', REMOVE],
  ['tools.message.crossContext.allowWithinProvider', [false], 'OC-20', 'medium', REMOVE],
  ['tools.message.crossContext.allowAcrossProviders', [false], 'OC-20', 'medium', REMOVE],
  ['tools.**', [], 'OC-08', 'high', REMOVE],

  ['agents.defaults.sandbox.perSession', [true], 'OC-07', 'high', 'Remove it; use scope.'],
  ['agents.defaults.sandbox.backend', ['docker'], 'OC-07', 'high', REMOVE],
  ['agents.defaults.sandbox.sessionToolsVisibility', ['spawned'], 'OC-08', 'medium', REMOVE],
  [
    'agents.defaults.sandbox.browser.enabled',
    [false],
    'OC-14',
    'high',
    'Remove it: the sandbox browser has a network of its own.',
  ],
  ['agents.defaults.sandbox.browser.allowHostControl', [false], 'OC-07', 'high', REMOVE],
  ['agents.defaults.sandbox.docker.binds', [[]], 'OC-07', 'critical', 'Remove the mounts.'],
  ['agents.defaults.sandbox.docker.dangerouslyAllowReservedContainerTargets', [false], 'OC-07', 'critical', REMOVE],
  ['agents.defaults.sandbox.docker.dangerouslyAllowExternalBindSources', [false], 'OC-07', 'critical', REMOVE],
  ['agents.defaults.sandbox.docker.dangerouslyAllowContainerNamespaceJoin', [false], 'OC-07', 'critical', REMOVE],
  ['agents.defaults.sandbox.docker.dns', [[]], 'OC-14', 'medium', REMOVE],
  ['agents.defaults.sandbox.docker.extraHosts', [[]], 'OC-14', 'medium', REMOVE],
  ['agents.defaults.sandbox.**', [], 'OC-07', 'high', REMOVE],
  ['agents.defaults.elevatedDefault', ['off'], 'OC-08', 'high', REMOVE],
  ['agents.defaults.*.fallbacks', [[]], 'OC-10', 'high', 'Remove the fallbacks.'],
  ['agents.defaults.heartbeat.model', [], 'OC-10', 'medium', REMOVE],
  ['agents.defaults.model.**', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.imageModel.**', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.pdfModel.**', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.voiceModel.**', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.utilityModel', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.decisionModel', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.mediaModels.**', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.models.*.alias', 'neutral'],
  ['agents.defaults.models.**', [{}], 'OC-10', 'medium', REMOVE],
  ['agents.defaults.subagents.model.**', [], 'OC-10', 'high', REMOVE],
  ['agents.defaults.subagents.allowAgents', [[]], 'OC-08', 'medium', REMOVE],
  ['agents.defaults.compaction.model', [], 'OC-10', 'medium', REMOVE],
  ['agents.defaults.cliBackends.**', [], 'OC-08', 'high', 'Remove it: it starts a program on the gateway host.'],

  [
    'models.providers.*.apiKey',
    ['ollama', 'ollama-local'],
    'OC-11 OC-21',
    'high',
    'Remove the key: the model host must not receive a real one.',
  ],
  ['models.providers.*.localService.**', [], 'OC-08', 'high', 'Remove it: it starts a program on the gateway host.'],
  ['models.catalogRefresh.enabled', [false], 'OC-13', 'low', 'Set it to false, or declare the flow.'],
  ['models.**', [], 'OC-10', 'high', 'Remove the provider or the setting, or declare it.'],
  ['memory.search.enabled', [false], 'OC-10', 'medium', REMOVE],
  ['memory.**', [], 'OC-10', 'medium', 'Remove it: embeddings would leave the isolated path.'],
  ['auth.**', [], 'OC-10 OC-11', 'high', 'Remove the profile, or declare the provider.'],
  ['env.**', [], 'OC-21', 'high', 'Keep values out of the configuration: name variables that the service sets.'],
  ['channels.*.enabled', [false], 'OC-20', 'high', 'Remove the channel, or declare it.'],
  ['channels.**', [], 'OC-20', 'high', 'Remove the channel, or declare it.'],
  ['hooks.enabled', [false], 'OC-06 OC-20', 'high', REMOVE],
  ['hooks.internal.enabled', [false], 'OC-17', 'medium', REMOVE],
  ['hooks.**', [], 'OC-06 OC-20', 'high', 'Remove the hooks: they are a way in of their own.'],
  ['browser.enabled', [false, true], 'OC-14', 'medium', REMOVE],
  ['browser.**', [], 'OC-14', 'high', REMOVE],
  ['plugins.enabled', [false], 'OC-17', 'medium', REMOVE],
  ['plugins.deny', 'neutral'],
  ['plugins.*.*.enabled', [false], 'OC-17', 'medium', 'Disable the plugin, or declare it.'],
  ['plugins.**', [[], {}], 'OC-17', 'medium', 'Remove the plugin, or declare it.'],
  ['skills.**', [[], {}], 'OC-17', 'medium', 'Remove it, or declare it.'],
  ['mcp.**', [{}], 'OC-17 OC-13', 'high', 'Remove the server, or declare it.'],
  ['nodeHost.**', [false], 'OC-09', 'high', REMOVE],
  ['desktop.**', [false], 'OC-09', 'high', 'Remove it: nobody shares a screen.'],
  ['canvasHost.enabled', [false], 'OC-01', 'medium', REMOVE],
  ['canvasHost.**', [], 'OC-01', 'medium', REMOVE],
  ['discovery.**', [false], 'OC-18', 'medium', 'Remove it: the gateway announces itself to nobody.'],
  ['security.audit.suppressions', [[]], 'OC-22', 'high', 'Remove the suppressions, or declare each as a waiver.'],
  ['security.**', [], 'OC-22', 'medium', REMOVE],
  ['logging.redactSensitive', ['tools'], 'OC-06 OC-21', 'high', 'Set it to "tools": secrets reach the log.'],
  ['logging.file', [], 'OC-21', 'medium', REMOVE],
  ['logging.**', [], 'OC-21', 'medium', REMOVE],
  ['diagnostics.enabled', [false], 'OC-13', 'medium', REMOVE],
  ['diagnostics.otel.enabled', [false], 'OC-13', 'medium', REMOVE],
  ['diagnostics.otel.**', [false], 'OC-13', 'medium', 'Remove the exporter, or declare the flow.'],
  ['telemetry.enabled', [false], 'OC-13', 'low', 'Set it to false.'],
  ['update.checkOnStart', [false, true], 'OC-13', 'low', REMOVE],
  ['update.auto.enabled', [false], 'OC-23', 'medium', 'Remove it: versions change by deployment.'],
  ['proxy.**', [false], 'OC-13', 'medium', 'Remove the proxy, or declare it.'],
  ['acp.enabled', [false], 'OC-08', 'high', REMOVE],
  ['acp.**', [], 'OC-08', 'high', REMOVE],
  ['talk.**', [], 'OC-10', 'medium', REMOVE],
  ['tts.**', [], 'OC-10', 'medium', REMOVE],
  ['audio.**', [], 'OC-10', 'medium', REMOVE],
  ['cloudWorkers.**', [], 'OC-13', 'high', REMOVE],
  ['commands.native', [true, false, 'auto'], 'OC-20', 'low', REMOVE],
  ['commands.nativeSkills', [true, false, 'auto'], 'OC-20', 'low', REMOVE],
  ['commands.restart', [true, false], 'OC-20', 'low', REMOVE],
  ['commands.text', [true, false], 'OC-20', 'low', REMOVE],
  ['commands.ownerDisplay', ['raw', 'hash'], 'OC-20', 'low', REMOVE],
  ['commands.useAccessGroups', [true], 'OC-20', 'high', REMOVE],
  ['commands.**', [false], 'OC-20 OC-08', 'high', REMOVE],
  ['session.scope', ['per-sender'], 'OC-20', 'medium', REMOVE],
  ['session.identityLinks.**', [], 'OC-20', 'medium', REMOVE],
  ['session.sharing.**', [false], 'OC-20', 'medium', REMOVE],
  ['cron.webhook', [], 'OC-13', 'high', REMOVE],
  ['approvals.*.enabled', [false], 'OC-08', 'high', REMOVE],
  ['approvals.**', [], 'OC-08', 'high', 'Remove it: approvals must not be answered from a chat.'],
];

function neutral(patterns: string): Row[] {
  return patterns.split(' ').map((pattern) => [pattern, 'neutral']);
}

const PARSED = ROWS.map((row) => ({ pattern: keyPath(row[0]), row }));

/** What a key without a line means. `path` has the newest name; an agent's own keys as if they stood in the defaults. */
export function otherKey(path: KeyPath): OtherKey {
  const found = PARSED.find(({ pattern }) => matches(pattern, path))?.row;
  if (found === undefined) return { kind: 'unknown' };
  const [, harmless, causes = '', severity = 'medium', fix = REMOVE] = found;
  if (harmless === 'neutral') return { kind: 'neutral' };
  return { kind: 'opens', harmless, causes: causes.split(' '), severity, fix };
}
