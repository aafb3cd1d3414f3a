import { join } from 'node:path';
import { API_KEY, type Deployment, type Tailnet } from './world.ts';

/** A fault of the tailnet, and what the report has to say about it. */
export interface Row {
  readonly name: string;
  readonly make: (tailnet: Tailnet) => Promise<void>;
  readonly env?: (tailnet: Tailnet) => Readonly<Record<string, string>>;
  readonly args?: (place: Deployment) => readonly string[];
  /** Source that the report has to name, and why. */
  readonly source: string;
  readonly why: RegExp;
}

const always = (route: string, what: object) => (tailnet: Tailnet) =>
  tailnet.console('fault', { route, times: 'all', fault: what });
const nothing = async () => undefined;
const status = (code: number, more: object = {}) => ({ kind: 'status', status: code, ...more });

/** Every way in which the tailnet can fail to answer. */
export const ROWS: readonly Row[] = [
  {
    name: '401 on everything',
    make: always('* *', status(401)),
    source: 'tailnet/policy',
    why: /denied: HTTP 401/,
  },
  {
    name: '403 on everything',
    make: always('* *', status(403)),
    source: 'tailnet/devices',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on the policy alone',
    make: always('GET /acl', status(403)),
    source: 'tailnet/policy',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on the devices alone',
    make: always('GET /devices', status(403)),
    source: 'tailnet/devices',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on the settings alone',
    make: always('GET /settings', status(403)),
    source: 'tailnet/settings',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on a source that no claim asks for',
    make: always('GET /keys', status(403)),
    source: 'tailnet/keys',
    why: /denied: HTTP 403/,
  },
  {
    name: '404 on the devices',
    make: always('GET /devices', status(404)),
    source: 'tailnet/devices',
    why: /failed: HTTP 404/,
  },
  {
    name: '429 with Retry-After, for good',
    make: always('GET /settings', status(429, { retryAfter: 0 })),
    source: 'tailnet/settings',
    why: /failed: HTTP 429/,
  },
  {
    name: '500 on the policy',
    make: always('GET /acl', status(500)),
    source: 'tailnet/policy',
    why: /failed: HTTP 500/,
  },
  {
    name: '500 on everything',
    make: always('* *', status(500)),
    source: 'tailnet/settings',
    why: /failed: HTTP 500/,
  },
  {
    name: 'HTML with 200 on the policy',
    make: always('GET /acl', { kind: 'html', status: 200 }),
    source: 'tailnet/policy',
    why: /failed: an HTML page instead of the API/,
  },
  {
    name: 'HTML with 200 on the devices',
    make: always('GET /devices', { kind: 'html', status: 200 }),
    source: 'tailnet/devices',
    why: /failed: an HTML page instead of the API/,
  },
  {
    name: "a proxy's HTML page with 403 on everything",
    make: always('* *', { kind: 'html', status: 403 }),
    source: 'tailnet/devices',
    why: /denied: HTTP 403: an HTML page instead of the API/,
  },
  {
    name: 'an empty device list',
    make: always('GET /devices', { kind: 'empty-devices' }),
    source: 'tailnet/devices',
    why: /failed: the device list is empty, but the topology declares devices/,
  },
  {
    name: 'an empty body for the policy',
    make: always('GET /acl', { kind: 'empty-body' }),
    source: 'tailnet/policy',
    why: /failed: an empty answer/,
  },
  {
    name: 'an empty body for the devices',
    make: always('GET /devices', { kind: 'empty-body' }),
    source: 'tailnet/devices',
    why: /failed: an empty answer/,
  },
  {
    name: 'half a policy',
    make: always('GET /acl', { kind: 'truncated' }),
    source: 'tailnet/policy',
    why: /failed: /,
  },
  {
    name: 'half a device list',
    make: always('GET /devices', { kind: 'truncated' }),
    source: 'tailnet/devices',
    why: /failed: the answer is not JSON/,
  },
  {
    name: 'half the settings',
    make: always('GET /settings', { kind: 'truncated' }),
    source: 'tailnet/settings',
    why: /failed: the answer is not JSON/,
  },
  {
    name: 'text that is no JSON',
    make: always('GET /devices', { kind: 'garbage' }),
    source: 'tailnet/devices',
    why: /failed: the answer is not JSON/,
  },
  {
    name: 'a late policy',
    make: always('GET /acl', { kind: 'slow', delayMs: 6_000 }),
    args: () => ['--timeout', '2'],
    source: 'tailnet/policy',
    why: /late: no answer within 2 s/,
  },
  {
    name: 'a policy that changes between the two readings, every time',
    make: twoFaces,
    source: 'tailnet/policy',
    why: /failed: the policy changed while the tailnet was read, twice/,
  },
  {
    name: 'another tailnet',
    make: nothing,
    args: (place) => ['--topology', join(place.directory, 'other.yaml')],
    source: 'tailnet/policy',
    why: /failed: (HTTP 404|answers come from tailnet)/,
  },
  {
    name: 'no credential',
    make: nothing,
    env: (tailnet) => ({ TAILSCALE_BASE_URL: tailnet.emulator.url }),
    source: 'tailnet/policy',
    why: /absent: no credential for the Tailscale API/,
  },
  {
    name: 'half a credential',
    make: nothing,
    env: (tailnet) => ({ TAILSCALE_BASE_URL: tailnet.emulator.url, TAILSCALE_OAUTH_CLIENT_ID: 'k1' }),
    source: 'tailnet/devices',
    why: /absent: TAILSCALE_OAUTH_CLIENT_ID is set but TAILSCALE_OAUTH_CLIENT_SECRET is not/,
  },
  {
    name: 'two credentials',
    make: nothing,
    env: (tailnet) => ({ ...tailnet.env, TAILSCALE_OAUTH_CLIENT_ID: 'k1' }),
    source: 'tailnet/devices',
    why: /absent: both TAILSCALE_API_KEY and TAILSCALE_OAUTH_CLIENT_ID are set/,
  },
  {
    name: 'a credential file that is not there',
    make: nothing,
    env: (tailnet) => ({ ...tailnet.env, TAILSCALE_API_KEY: 'file:/nonexistent/key' }),
    source: 'tailnet/devices',
    why: /absent: TAILSCALE_API_KEY names the file \/nonexistent\/key, which cannot be read/,
  },
  {
    name: 'a wrong key',
    make: nothing,
    env: (tailnet) => ({ ...tailnet.env, TAILSCALE_API_KEY: `${API_KEY}x` }),
    source: 'tailnet/policy',
    why: /denied: HTTP 401/,
  },
  {
    name: 'a base URL that would send the key in clear',
    make: nothing,
    env: (tailnet) => ({ ...tailnet.env, TAILSCALE_BASE_URL: 'http://192.0.2.1' }),
    source: 'tailnet/policy',
    why: /absent: /,
  },
];

/** Somebody writes another policy just before every second reading. */
async function twoFaces(tailnet: Tailnet): Promise<void> {
  const text = tailnet.policy();
  for (const comment of ['one', 'two', 'three', 'four']) {
    await tailnet.console('fault', {
      route: 'GET /acl',
      fault: { kind: 'edit-policy', text: `${text}// ${comment}\n` },
    });
  }
}
