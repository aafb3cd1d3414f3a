import { type Diagnostic, hasErrors, type Result } from '../source/diagnostic.ts';
import { checkAddresses } from './check/addresses.ts';
import { checkHostOptions } from './check/host-options.ts';
import { checkLists } from './check/lists.ts';
import { checkOpenClaw } from './check/openclaw.ts';
import { checkOperators } from './check/operators.ts';
import { checkOwnership } from './check/ownership.ts';
import { checkPlacement } from './check/placement.ts';
import { checkReferences } from './check/references.ts';
import { checkRoles } from './check/roles.ts';
import { checkSegments } from './check/segments.ts';
import { checkServices } from './check/services.ts';
import { buildTopology } from './load/build.ts';
import { type Check, type Draft, draftOf, quote } from './load/draft.ts';
import { findSecrets, redact } from './load/secrets.ts';
import { checkShape } from './load/shape.ts';
import { readYaml } from './load/yaml.ts';
import type { TailnetDeclaration, Topology } from './model.ts';

const CHECKS: readonly Check[] = [
  checkReferences,
  checkRoles,
  checkSegments,
  checkAddresses,
  checkPlacement,
  checkHostOptions,
  checkOwnership,
  checkServices,
  checkLists,
  checkOpenClaw,
];

/**
 * Reads `cordon.yaml`. All errors come at once, in the order of the file, each with line, column and what to do; nothing
 * that looks like a secret is printed. Never throws on any text.
 * @param file path of the file, for messages and to resolve `tailnet.base`
 * @param text its contents
 * @param readBase returns the text of the base policy, undefined when it cannot be read. It is given the path *resolved
 *   against the folder of `file`* (`examples/a/cordon.yaml` and `./base.hujson` give `examples/a/base.hujson`)
 */
export function loadTopology(
  file: string,
  text: string,
  readBase: (path: string) => string | undefined,
): Result<Topology> {
  const secrets = findSecrets(file, text);
  const yaml = readYaml(file, text);
  const found: Diagnostic[] = [...secrets, ...yaml.diagnostics.filter((d) => !repeats(d, secrets))];
  if (yaml.data === undefined) return { ok: false, diagnostics: presented(file, found) };

  const shape = checkShape(yaml);
  found.push(...shape.diagnostics);
  const draft = draftOf(yaml.data, shape, yaml.places, (d) => found.push(d));
  for (const check of CHECKS) check(draft);
  const base = readDeclaredBase(file, draft, readBase, (d) => found.push(d));
  if (base !== undefined || draft.data.tailnet?.base === undefined) found.push(...checkOperators(draft, base));

  const diagnostics = presented(file, found);
  if (shape.complete === undefined || hasErrors(diagnostics)) return { ok: false, diagnostics };
  return { ok: true, value: buildTopology(file, shape.complete, yaml.places, base), warnings: diagnostics };
}

function readDeclaredBase(
  file: string,
  draft: Draft,
  readBase: (path: string) => string | undefined,
  sink: (diagnostic: Diagnostic) => void,
): TailnetDeclaration['base'] {
  const path = draft.data.tailnet?.base;
  if (path === undefined) return undefined;
  const resolved = resolvePath(file, path);
  const text = readBase(resolved);
  if (text === undefined) {
    draft.report({
      code: 'topology-base-missing',
      path: ['tailnet', 'base'],
      message: `the base policy ${quote(path)} cannot be read`,
      hint: `looked for ${resolved}; without it cordon would replace the organisation’s policy`,
    });
    return undefined;
  }
  for (const secret of findSecrets(resolved, text)) sink(secret);
  return { path, file: resolved, text };
}

/** `path` against the folder of `file`; absolute paths stay. */
function resolvePath(file: string, path: string): string {
  if (path.startsWith('/')) return path;
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  return folder + path.replace(/^(?:\.\/+)+/, '');
}

/** A secret that was found in the raw text already. */
function repeats(d: Diagnostic, secrets: readonly Diagnostic[]): boolean {
  if (d.code !== 'topology-secret') return false;
  const end = d.span.offset + d.span.length;
  return secrets.some((s) => s.span.offset >= d.span.offset && s.span.offset < end);
}

function redacted(d: Diagnostic): Diagnostic {
  return {
    ...d,
    message: redact(d.message),
    ...(d.hint === undefined ? {} : { hint: redact(d.hint) }),
    ...(d.related === undefined ? {} : { related: d.related.map((r) => ({ ...r, message: redact(r.message) })) }),
  };
}

/** In the order of the file, the base policy's last; without repetitions; without secrets. */
function presented(file: string, found: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return found
    .map(redacted)
    .filter((d) => {
      const key = JSON.stringify([d.code, d.span.file, d.span.offset, d.message]);
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => Number(a.span.file !== file) - Number(b.span.file !== file) || a.span.offset - b.span.offset);
}
