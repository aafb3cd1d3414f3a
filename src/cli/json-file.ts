import { CordonError } from '../source/error.ts';
import { readText } from './topology-file.ts';

/**
 * The value in a JSON file that a command was given.
 * @param hint what the file should hold
 * @throws CordonError `not-json`, and as `readText` does
 */
export function readJson(path: string, hint: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CordonError('not-json', `${path} is not JSON`, { cause, hint });
  }
}
