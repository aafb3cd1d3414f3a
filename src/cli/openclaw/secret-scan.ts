import type { Observation } from '../../openclaw/assess.ts';
import { keyText, leavesOf } from '../../openclaw/keys.ts';
import type { Finding } from '../../openclaw/line.ts';

/**
 * Credentials that stand in a configuration as they are, by the rules of secretlint; each text is looked at by itself, so
 * that a finding names its key. Loaded when it is needed: the rules are large.
 */
export async function secretFindings({ config }: Observation): Promise<Finding[]> {
  if (config.kind !== 'read') return [];
  const [{ lintSource }, { creator }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ]);
  const options = {
    config: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] },
    maskSecrets: true,
  };
  const found: Finding[] = [];
  for (const { path, texts } of textsOf(config.value)) {
    const content = texts.join('\n');
    const source = { filePath: 'value.json', content, contentType: 'text', ext: '.json' } as const;
    const { messages } = await lintSource({ source, options });
    if (messages.length > 0) found.push(plaintext(path, messages[0]?.ruleId ?? ''));
  }
  return found;
}

/** Every key with texts in its value; the last step goes along, since some rules want to see a name beside the value. */
function textsOf(config: unknown): { readonly path: string; readonly texts: readonly string[] }[] {
  return leavesOf(config).flatMap(({ path, value }) => {
    const texts = (Array.isArray(value) ? value.map((item) => JSON.stringify(item)) : [value]).filter(
      (text): text is string => typeof text === 'string',
    );
    return texts.length === 0 ? [] : [{ path: keyText(path), texts: [...texts, `${path.at(-1)}: ${texts[0]}`] }];
  });
}

function plaintext(path: string, rule: string): Finding {
  return {
    path,
    state: 'violated',
    causes: ['OC-21'],
    severity: 'high',
    section: '6',
    expected: 'a reference',
    effective: '(a credential, not shown)',
    source: `secret scanner ${rule.replace(/^@secretlint\/secretlint-rule-/, '')}`,
    fix: 'Name an environment variable instead, then revoke the credential: it has been written down.',
  };
}
