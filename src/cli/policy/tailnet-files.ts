import { z } from 'zod';
import { CordonError } from '../../source/error.ts';
import type { TailnetFacts } from '../../tailnet/compile.ts';
import { parseDevices } from '../../tailnet/device.ts';
import { readText } from '../topology-file.ts';
import type { TailnetArguments } from './options.ts';

const usersBody = z.object({ users: z.array(z.object({ loginName: z.string(), role: z.string().optional() })) });

/**
 * The tailnet that `--devices` and `--users` describe; undefined without `--devices`. Without `--users` no user is listed:
 * who owns no device would be missing from a list made of owners.
 * @throws CordonError `file-unreadable`, `not-json`, `devices-invalid`, `users-invalid`, `usage`
 */
export function readTailnet({ devices, users }: TailnetArguments): TailnetFacts | undefined {
  if (devices === undefined) {
    if (users === undefined) return undefined;
    throw new CordonError('usage', '--users says nothing without --devices', { hint: 'give --devices as well' });
  }
  const parsed = parseDevices(readJson(devices, 'GET /tailnet/-/devices?fields=all'));
  if (parsed.problems.length > 0) {
    throw new CordonError('devices-invalid', `${devices}: ${parsed.problems.join('; ')}`, {
      hint: 'give the body of GET /tailnet/-/devices?fields=all, whole and unchanged',
    });
  }
  return { devices: parsed.devices, users: users === undefined ? [] : readUsers(users) };
}

function readUsers(path: string): TailnetFacts['users'] {
  const parsed = usersBody.safeParse(readJson(path, 'GET /tailnet/-/users'));
  if (parsed.success) {
    return parsed.data.users.map(({ loginName, role }) => ({
      login: loginName,
      ...(role === undefined ? {} : { role }),
    }));
  }
  const problems = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  throw new CordonError('users-invalid', `${path}: ${problems.join('; ')}`, {
    hint: 'give the body of GET /tailnet/-/users, whole and unchanged',
  });
}

function readJson(path: string, request: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CordonError('not-json', `${path} is not JSON`, { cause, hint: `give the body of ${request}` });
  }
}
