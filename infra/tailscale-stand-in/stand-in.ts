import { CordonError } from '../../src/source/error.ts';
import { ProviderError, status } from '../grpc/errors.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import type { CallContext, ProviderDefinition, ProviderHandlers } from '../grpc/provider.ts';
import { TailnetApi } from './api.ts';
import { snakeCase } from './attribute.ts';
import { checkInputs } from './check.ts';
import { checkConfig, diffConfig } from './config.ts';
import { apiSettings } from './configure.ts';
import { previewProperties, readInputs, resultProperties } from './outputs.ts';
import { packageSchema } from './package-schema.ts';
import { diffOf, planOf, stateOf } from './plan.ts';
import type { ResourceKind } from './resource-kind.ts';
import { Complaint } from './resource-kind.ts';
import { OTHER_RESOURCES, RESOURCE_KINDS } from './resource-kinds.ts';

/** What the stand-in takes from its process. */
export interface StandInHost {
  /** Version of the plugin it stands in for. */
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Ends the process. */
  exit(code: number): never;
}

/** The line that every run with the stand-in shows. */
export function standInNotice(version: string, baseUrl: string): string {
  return `stand-in for the Tailscale provider plugin ${version}, for loopback APIs only: talking to ${baseUrl}`;
}

/**
 * The Tailscale provider plugin, as far as our program uses it, call by call like the real one (measured: 0.29.0, bridge
 * v3.133.0 over terraform-provider-tailscale v0.29.2). It never talks to anything but a loopback API.
 */
export function tailscaleStandIn(host: StandInHost): ProviderDefinition {
  let api: TailnetApi | undefined;
  let acceptSecrets = true;

  /** The plugin dies of a nil pointer when it has to reach the API and no Configure has succeeded. */
  async function configured(method: string, context: CallContext): Promise<TailnetApi> {
    if (api !== undefined) return api;
    await context.log(
      'error',
      `Bridged provider panic (provider=tailscale v=${host.version} method=${method}): runtime error: invalid memory ` +
        'address or nil pointer dereference',
    );
    return host.exit(2);
  }

  const handlers: ProviderHandlers = {
    async getSchema() {
      return JSON.stringify(packageSchema(host.version, RESOURCE_KINDS));
    },

    async checkConfig(request) {
      return checkConfig(request.name, request.news, host.version);
    },

    async diffConfig(request) {
      return diffConfig(request.olds, request.news);
    },

    configure: reporting(async (request, context) => {
      api?.close();
      api = undefined;
      acceptSecrets = request.acceptSecrets;
      const settings = apiSettings(request.args, host.environment);
      api = new TailnetApi(settings);
      await context.log('warning', standInNotice(host.version, settings.baseUrl));
      return { supportsPreview: true, acceptResources: true, supportsAutonamingConfiguration: true };
    }),

    async check(request) {
      return checkInputs(kindOf(request.type).attributes, request.name, request.news);
    },

    async diff(request) {
      const kind = kindOf(request.type);
      const prior = stateOf(kind, request.olds);
      return diffOf(kind, prior, planOf(kind, prior, request.news, request.ignoreChanges));
    },

    create: reporting(async (request, context) => {
      const kind = kindOf(request.type);
      const planned = planOf(kind, undefined, request.properties);
      if (request.preview) return { id: '', properties: previewProperties(planned) };
      const state = await kind.create(await configured('Create', context), planned);
      return { id: String(state['id']), properties: resultProperties(kind, state, acceptSecrets) };
    }),

    read: reporting(async (request, context) => {
      const kind = kindOf(request.type);
      const importing = isEmpty(request.properties);
      const prior = importing ? undefined : stateOf(kind, request.properties ?? {});
      const state = await kind.read(await configured('Read', context), request.id, prior);
      if (state === undefined) return { id: '', properties: {}, inputs: {} };
      return {
        id: String(state['id']),
        properties: resultProperties(kind, state, acceptSecrets),
        inputs: readInputs(kind, state, request.inputs, importing),
      };
    }),

    update: reporting(async (request, context) => {
      const kind = kindOf(request.type);
      const prior = stateOf(kind, request.olds);
      const planned = planOf(kind, prior, request.news, request.ignoreChanges);
      if (request.preview) return { properties: previewProperties(planned) };
      const state = await kind.update(await configured('Update', context), prior, planned);
      return { properties: resultProperties(kind, state, acceptSecrets) };
    }),

    delete: reporting(async (request, context) => {
      const kind = kindOf(request.type);
      await kind.delete(await configured('Delete', context), stateOf(kind, request.properties));
    }),

    async invoke(request) {
      throw new ProviderError(`[pf/tfbridge] unknown datasource token: ${request.token}`);
    },

    async construct() {
      throw new ProviderError('Construct is not implemented for Terraform Plugin Framework bridged providers');
    },

    async list(token) {
      const name = token.split(':').at(-1) ?? '';
      throw new ProviderError(`terraform provider does not expose a list schema for "tailscale${snakeCase(name)}"`, {
        code: status.UNIMPLEMENTED,
      });
    },
  };
  return { name: 'tailscale', version: host.version, handlers };
}

function kindOf(type: string): ResourceKind {
  const kind = RESOURCE_KINDS.find((k) => k.token === type);
  if (kind !== undefined) return kind;
  if (OTHER_RESOURCES.includes(type)) {
    throw new ProviderError(
      `the stand-in for the Tailscale provider plugin does not have ${type}: use the real plugin`,
      {
        code: status.UNIMPLEMENTED,
      },
    );
  }
  throw new ProviderError(`[pf/tfbridge] unknown resource token: ${type}`);
}

function isEmpty(properties: PropertyObject | undefined): boolean {
  return properties === undefined || Object.keys(properties).length === 0;
}

/** Complaints are logged in the plugin's form and end the call; other errors of ours end it with their text. */
function reporting<Request, Result>(
  work: (request: Request, context: CallContext) => Promise<Result>,
): (request: Request, context: CallContext) => Promise<Result> {
  return async (request, context) => {
    try {
      return await work(request, context);
    } catch (error) {
      if (error instanceof Complaint) await context.log('error', `[ERROR] ${error.detail}: ${error.summary}`);
      if (error instanceof ProviderError || !(error instanceof CordonError)) throw error;
      throw new ProviderError(error.message, { cause: error });
    }
  };
}
