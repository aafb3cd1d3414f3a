import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Caller } from './auth.ts';
import { authorize, authorOf, callerOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf } from './http.ts';
import { scopesCover } from './scopes.ts';
import type { SettingsRecord } from './state.ts';
import { settingsRecord } from './state.ts';

/** The scope that shows and changes a setting (descriptions of the settings calls in the OpenAPI document). */
function scopeOfSetting(name: keyof SettingsRecord): string {
  switch (name) {
    case 'networkFlowLoggingOn':
      return 'logs:network';
    case 'httpsEnabled':
      return 'networking_settings';
    case 'aclsExternallyManagedOn':
    case 'aclsExternalLink':
      return 'policy_file';
    default:
      return 'feature_settings';
  }
}

const names = settingsRecord.keyof();

/** What a caller sees: a setting outside its scopes is null, which means unknown and never off. */
function visible(settings: SettingsRecord, caller: Caller): Record<string, unknown> {
  return Object.fromEntries(
    names.options.map((name) => [
      name,
      scopesCover(caller.scopes, scopeOfSetting(name), 'read') ? settings[name] : null,
    ]),
  );
}

/** A change: absent and null both mean "keep". */
const patch = z.strictObject(
  Object.fromEntries(Object.entries(settingsRecord.shape).map(([k, v]) => [k, v.nullish()])),
);

/** `GET` and `PATCH /tailnet/{t}/settings`. */
export function settingsRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  app.get('/tailnet/:tailnet/settings', async (request) => visible(store.state.settings, callerOf(request)));

  app.patch('/tailnet/:tailnet/settings', async (request) => {
    const caller = callerOf(request);
    const given = Object.entries(bodyOf(request, patch)).filter(([, value]) => value !== null && value !== undefined);
    for (const [name] of given) authorize(caller, [scopeOfSetting(names.parse(name))], 'write');
    return store.apply(authorOf(request, context), (state) => {
      const settings = settingsRecord.parse({ ...state.settings, ...Object.fromEntries(given) });
      const changed = given.map(([name]) => names.parse(name)).filter((n) => settings[n] !== state.settings[n]);
      return {
        state: { ...state, settings },
        audit: changed.map((name) => ({
          action: 'UPDATE',
          target: { id: context.tailnetId, type: 'TAILNET', property: name },
          old: state.settings[name],
          new: settings[name],
        })),
        result: visible(settings, caller),
      };
    });
  });
}
