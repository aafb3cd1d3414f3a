import { isRecord } from './keys.ts';

/** What OpenClaw prints in place of every secret: present, never comparable. */
export const REDACTED_BY_OPENCLAW = '__OPENCLAW_REDACTED__';

/** Sources of a SecretRef (openclaw `src/config/types.secrets.ts`). */
const SOURCES = ['env', 'file', 'exec', 'store'];

/** `${NAME}` alone, or a SecretRef map: the secret itself stands elsewhere. */
export function isReference(value: unknown): boolean {
  if (typeof value === 'string') return /^\$\{[A-Z_][A-Z0-9_]{0,127}\}$/.test(value);
  return isRecord(value) && typeof value['source'] === 'string' && SOURCES.includes(value['source']) && 'id' in value;
}
