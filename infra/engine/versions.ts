import { createRequire } from 'node:module';
import { z } from 'zod';
import { CordonError } from '../../src/source/error.ts';

/*
 * The one place that says which versions of what we run. The npm packages are the source where there is one: the engine,
 * its SDK and the language host share one version, and the engine looks for the provider plugin with exactly the version
 * that the SDK package names.
 */

const require = createRequire(import.meta.url);

const packageFile = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  pulumi: z.looseObject({ version: z.string().optional() }).optional(),
});

/** Version of the Pulumi engine to run, without `v`: that of `@pulumi/pulumi`. */
export function engineVersion(): string {
  return readPackage('@pulumi/pulumi').version;
}

/**
 * Version of the Tailscale provider plugin that the engine will ask for, without `v`.
 * @throws CordonError `sdk-unusable` if the SDK does not name one
 */
export function tailscalePluginVersion(): string {
  const version = readPackage('@pulumi/tailscale').pulumi?.version;
  if (version === undefined)
    throw new CordonError('sdk-unusable', '@pulumi/tailscale does not name its plugin version');
  return version;
}

function readPackage(name: string): z.infer<typeof packageFile> {
  let content: unknown;
  try {
    content = require(`${name}/package.json`);
  } catch (error) {
    throw new CordonError('sdk-unusable', `the npm package ${name} is not installed`, {
      cause: error,
      hint: 'run `npm ci` in the folder of this package',
    });
  }
  const parsed = packageFile.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new CordonError('sdk-unusable', `the npm package ${name} has an unexpected package.json`, {
    hint: 'run `npm ci` in the folder of this package',
  });
}
