import type { TailnetFacts } from '../tailnet/compile.ts';
import { parseDevices } from '../tailnet/device.ts';
import type { ApiVerdict } from '../tailnet/verdict.ts';
import { apiVerdict } from '../tailnet/verdict.ts';
import { ApiError } from './api-error.ts';
import { showDevice } from './device-record.ts';
import { policyJson } from './policy-json.ts';
import type { EmulatorState } from './state.ts';

/** Who is on the tailnet, as the tests of a policy need it. @throws ApiError 500 for a device that cannot be read */
function factsOf(state: EmulatorState): TailnetFacts {
  const { devices, problems } = parseDevices({ devices: state.devices.map((d) => showDevice(d, 'all')) });
  if (problems.length > 0) throw new ApiError(500, `the emulated device list is not readable: ${problems.join('; ')}`);
  return { devices, users: state.users.map((u) => ({ login: u.loginName })) };
}

/** Syntax, meaning and tests of a candidate policy, for the tailnet as it is. */
export function judgePolicy(text: string, state: EmulatorState): ApiVerdict {
  return apiVerdict(text, factsOf(state));
}

/** Runs tests against the policy that is in force, in place of its own. */
export function judgeTests(tests: readonly unknown[], state: EmulatorState): ApiVerdict {
  const live = policyJson(state.policy.text);
  if (!live.ok) return { ok: false, message: live.message, data: [] };
  const members = Object.entries(live.value ?? {}).filter(([key]) => key.toLowerCase() !== 'tests');
  return judgePolicy(JSON.stringify(Object.fromEntries([...members, ['tests', tests]])), state);
}
