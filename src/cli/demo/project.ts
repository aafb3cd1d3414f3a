import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { fileBackend } from '../../../infra/engine/environment.ts';
import { packageRoot } from '../../../infra/engine/package-root.ts';

/** A throw-away Pulumi project around cordon's own program, with its own backend on disk. */
export interface ScratchProject {
  readonly folder: string;
  /** Backend and passphrase; the passphrase is in a file that only this user can read. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

const projectFile = z.looseObject({
  main: z.string(),
  plugins: z.looseObject({ providers: z.array(z.looseObject({ name: z.string(), path: z.string() })) }),
});

/**
 * Copies Pulumi.yaml into a temporary folder, its paths made absolute, so that stack files never land in the checkout.
 * The program and the plugin are the same as with a `pulumi` typed in the checkout.
 */
export async function scratchProject(): Promise<ScratchProject> {
  const root = packageRoot();
  const folder = mkdtempSync(join(tmpdir(), 'cordon-stack-'));
  const project = projectFile.parse(parse(readFileSync(join(root, 'Pulumi.yaml'), 'utf8')));
  const absolute = {
    ...project,
    main: join(root, project.main),
    plugins: {
      ...project.plugins,
      providers: project.plugins.providers.map((p) => ({ ...p, path: join(root, p.path) })),
    },
  };
  writeFileSync(join(folder, 'Pulumi.yaml'), stringify(absolute));
  const passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, randomBytes(24).toString('hex'), { mode: 0o600 });
  const env = await fileBackend(join(folder, 'backend'), passphrase);
  return { folder, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
