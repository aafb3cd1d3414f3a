import type { z } from 'zod';
import type { TailnetApi } from '../api.ts';
import { isNotFound } from '../api-error.ts';
import { decode } from '../api-reply.ts';
import type { Attribute, State } from '../attribute.ts';
import { complain } from '../resource-kind.ts';

/** The property that all resources of a device have: another device is another resource. */
export function deviceIdAttribute(description: string): Attribute {
  return { name: 'deviceId', kind: 'string', description, replaces: true };
}

/** Device of a state; when importing, the id that was given. */
export function deviceOf(state: State): string {
  return String(state['deviceId'] ?? '');
}

/** Reads what belongs to a device; undefined when the API says there is no such device. */
export async function fetchOfDevice<T>(
  api: TailnetApi,
  path: string,
  schema: z.ZodType<T>,
  texts: { readonly summary: string; readonly context: string },
): Promise<T | undefined> {
  return complain(texts.summary, texts.context, async () => {
    try {
      return decode(schema, await api.getJson(path));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  });
}
