import { describe, expect, it } from 'vitest';
import { isReference } from '../../src/openclaw/reference.ts';
import { shown } from '../../src/openclaw/show.ts';
import { findingsOf, hardenedWith, type Recording, recorded, recordedNames, VERSIONS } from './support.ts';

const SECRETS = ['planted-secret', 'hunter2', 'Tr0ub4dor&3', 'aVeryLongSecretWithoutAnyBlank0123456789', 'sk-planted'];

describe.each(VERSIONS)('%s', (version) => {
  it('prints no text of a configuration that could be a secret', () => {
    for (const name of recordedNames(version)) {
      for (const secret of SECRETS) {
        const record = recorded(version, name);
        record.config = planted(record.config, secret);
        const text = JSON.stringify(findingsOf(record));
        expect(text.includes(secret), `${name} ${secret}`).toBe(false);
      }
    }
  });

  it('prints no secret of a URL', () => {
    const record = hardenedWith(version, (c) => {
      c.models.providers.ollama.baseUrl = 'https://user:planted-secret@example.com/planted-secret?k=planted-secret';
    });
    expect(JSON.stringify(findingsOf(record))).not.toContain('planted-secret');
  });
});

describe('what is shown', () => {
  it.each([
    ['all', 'all'],
    [true, true],
    [19001, 19001],
    [null, null],
    ['192.0.2.1', '192.0.2.1'],
    ['fd00::/8', 'fd00::/8'],
    ['http://192.0.2.66:11434', 'http://192.0.2.66:11434'],
    ['http://[fd00::1]:80/path', 'http://[fd00::1]'],
    ['https://ollama.com', 'https://ollama.com'],
    ['screen.record', 'screen.record'],
    ['group:web', 'group:web'],
    ['$' + '{OPENCLAW_GATEWAY_TOKEN}', '$' + '{OPENCLAW_GATEWAY_TOKEN}'],
    ['ollama/qwen3:32b', 'ollama/qwen3:32b'],
    ['https://secrethost/', 'https://(a host, not shown)'],
    ['anything', '(a text, not shown)'],
    [
      ['exec', 'x'],
      ['exec', '(a text, not shown)'],
    ],
    [{ a: 1 }, '(a map, not shown)'],
    [{ source: 'env', provider: 'default', id: 'X' }, '(a reference)'],
  ])('%j', (value, expected) => expect(shown(value)).toEqual(expected));
});

describe('references', () => {
  it.each([
    ['$' + '{TOKEN}', true],
    ['$' + '{token}', false],
    ['$TOKEN', false],
    ['x$' + '{TOKEN}', false],
    ['$' + '{TOKEN} ', false],
    [{ source: 'file', provider: 'default', id: '/run/x' }, true],
    [{ source: 'text', id: 'x' }, false],
    [{ source: 'env' }, false],
    ['', false],
    [17, false],
  ])('%j: %s', (value, expected) => expect(isReference(value)).toBe(expected));
});

/** The configuration with every text replaced. */
function planted(value: Recording, secret: string): unknown {
  if (typeof value === 'string') return secret;
  if (Array.isArray(value)) return value.map((item) => planted(item, secret));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, planted(item, secret)]));
}
