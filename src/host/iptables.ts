import { z } from 'zod';
import { bad, Problems, type Read } from './read.ts';

/** Rules of the old programs, beside what `nft` lists. */
export interface Iptables {
  /**
   * Text of `iptables-nft-save` and its IPv6 twin: the same rules as in the `nft` listing, with the arguments that `nft`
   * cannot print. Undefined where the program is not installed.
   */
  readonly nft: { readonly v4: string | undefined; readonly v6: string | undefined };
  /** The legacy tables, which `nft` never lists. */
  readonly legacy: { readonly v4: LegacyTables; readonly v6: LegacyTables };
}

export interface LegacyTables {
  /** Tables that exist: filter, nat, mangle, raw, security. */
  readonly names: readonly string[];
  /** Text of `iptables-legacy-save`; empty where there are no tables. */
  readonly save: string;
}

const legacy = z.strictObject({ names: z.array(z.string().min(1)), save: z.string().nullable() });
const body = z.strictObject({
  nft: z.strictObject({ '4': z.string().nullable(), '6': z.string().nullable() }),
  legacy: z.strictObject({ '4': legacy, '6': legacy }),
});

/** Reads `host/NAME/iptables`. Saved text without its `COMMIT` at the end of every table is half of one. */
export function readIptables(value: unknown): Read<Iptables> {
  const parsed = body.safeParse(value);
  if (!parsed.success) return bad('the body is not {"nft", "legacy"} with both families');
  const { nft, legacy: old } = parsed.data;
  const problems = new Problems();
  const whole = (name: string, text: string | null) =>
    text === null || isWhole(text) ? (text ?? undefined) : problems.add(`${name} is cut off or garbled`);
  const tables = (name: string, { names, save }: z.infer<typeof legacy>): LegacyTables => {
    if (names.length > 0 && save === null) problems.add(`${name}: tables without their rules`);
    return { names, save: whole(name, save) ?? '' };
  };
  return problems.over({
    nft: { v4: whole('iptables-nft-save', nft['4']), v6: whole('ip6tables-nft-save', nft['6']) },
    legacy: { v4: tables('iptables-legacy-save', old['4']), v6: tables('ip6tables-legacy-save', old['6']) },
  });
}

/** Every table opened by `*name` is closed by `COMMIT` (iptables iptables/iptables-save.c do_output). */
function isWhole(text: string): boolean {
  let open = false;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) {
      if (open) return false;
      open = true;
    } else if (line === 'COMMIT') {
      if (!open) return false;
      open = false;
    } else if (!open || !/^[:[-]/.test(line)) return false;
  }
  return !open;
}
