import { describe, expect, it } from 'vitest';
import { assess } from '../../src/openclaw/assess.ts';
import { observationOfEvidence } from '../../src/openclaw/observation.ts';
import { declaration, type Recording, recorded } from './support.ts';

const VERSION = '2026.9.6';
const HARDENED: Recording = recorded(VERSION, 'hardened');
const AUDIT = { openclaw: VERSION, exit: 0, stdout: HARDENED.audit };
const CONFIG = { openclaw: VERSION, config: HARDENED.config };

const ok = (body: unknown) => ({ status: 'ok', body });

/** What does not hold on the sources of `gw`. */
function notHolding(sources: Readonly<Record<string, { status: string; body?: unknown; why?: string }>>) {
  const named = Object.fromEntries(Object.entries(sources).map(([name, entry]) => [`openclaw/gw/${name}`, entry]));
  return assess(declaration(), observationOfEvidence({ sources: named }, 'gw')).filter((f) => f.state !== 'holds');
}

it('reads configuration and audit', () => expect(notHolding({ config: ok(CONFIG), audit: ok(AUDIT) })).toEqual([]));

describe('is unknown', () => {
  const explain = (agents: unknown) => ({
    config: ok(CONFIG),
    audit: ok(AUDIT),
    explain: ok({ openclaw: VERSION, agents }),
  });
  const answer = (stdout: unknown, exit: unknown = 0) => ({
    config: ok({ openclaw: VERSION, exit, stdout }),
    audit: ok(AUDIT),
  });
  it.each<[string, Parameters<typeof notHolding>[0]]>([
    ['nothing', {}],
    ['no audit', { config: ok(CONFIG) }],
    ['a late audit', { config: ok(CONFIG), audit: { status: 'late', why: '120 s' } }],
    ['an audit in part', { config: ok(CONFIG), audit: { status: 'partial', body: AUDIT } }],
    ['half an audit', { config: ok(CONFIG), audit: ok({ ...AUDIT, stdout: {} }) }],
    ['an audit that is a list', { config: ok(CONFIG), audit: ok([]) }],
    ['no configuration', { audit: ok(AUDIT) }],
    ['a refused configuration', { config: { status: 'denied' }, audit: ok(AUDIT) }],
    [
      'a configuration that is a text and no JSON',
      { config: ok({ openclaw: VERSION, config: '{a: ' }), audit: ok(AUDIT) },
    ],
    [
      'a file that includes another',
      { config: ok({ openclaw: VERSION, config: '{"$include": "./x.json"}' }), audit: ok(AUDIT) },
    ],
    ['two releases', { config: ok(CONFIG), audit: ok({ ...AUDIT, openclaw: '2026.2.26' }) }],
    ['no release', { config: ok({ config: HARDENED.config }), audit: ok({ ...AUDIT, openclaw: undefined }) }],
    ['explain without agents', explain(undefined)],
    ['explain of another agent than asked', explain({ main: { agentId: 'x' } })],
    ['config.get that failed', answer({ parsed: HARDENED.config }, 1)],
    ['config.get without a configuration', answer({})],
    ['config.get of an invalid file', answer({ parsed: HARDENED.config, valid: false })],
    ['a restart that is due', answer({ parsed: HARDENED.config, configRevisionHash: 'a', appliedConfigHash: 'b' })],
  ])('%s', (_name, sources) => {
    const states = new Set(notHolding(sources).map((f) => f.state));
    expect([...states]).toEqual(['unknown']);
  });
});

describe('the answer of config.get', () => {
  const withAnswer = (stdout: unknown) =>
    notHolding({ config: ok({ openclaw: VERSION, exit: 0, stdout }), audit: ok(AUDIT) });
  const text = JSON.stringify(HARDENED.config);
  const hidden = JSON.parse(text.replace(/\$\{OPENCLAW_GATEWAY_TOKEN\}/, '__OPENCLAW_REDACTED__'));

  it('is read where it shows references', () => expect(withAnswer({ parsed: HARDENED.config })).toEqual([]));
  it('is read from the text where that alone shows them', () =>
    expect(withAnswer({ parsed: hidden, raw: `// a comment\n${text}` })).toEqual([]));
  it.each([undefined, '{unquoted: 1}', ''])('leaves the token unknown without it (%j)', (raw) =>
    expect(withAnswer({ parsed: hidden, raw }).map((f) => [f.path, f.state])).toEqual([
      ['gateway.auth.token', 'unknown'],
    ]),
  );
});
