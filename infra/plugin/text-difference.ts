import { createTwoFilesPatch } from 'diff';
import { formatHujson } from '../../src/tailnet/hujson/format.ts';

/** How the declared policy differs from the live one, line by line, in the canonical layout of both. */
export function describeTextDifference(liveText: string, declaredText: string): string {
  const [live, declared] = [formatHujson(liveText), formatHujson(declaredText)];
  const patch = createTwoFilesPatch('live policy', 'declared policy', live, declared, '', '', { context: 2 });
  return patch.replace(/^=+\n/, '');
}
