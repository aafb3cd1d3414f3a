import { createHash } from 'node:crypto';

/** A short name for a text that stays the same from run to run: 16 hex digits of its SHA-256. */
export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
