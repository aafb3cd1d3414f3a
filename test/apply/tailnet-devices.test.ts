import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeDeviceRoutes, writeDeviceTags } from '../../src/apply/tailnet-devices.ts';
import type { RunningEmulator } from '../../src/emulator/emulator.ts';
import { control } from '../emulator/http-client.ts';
import { emulatorWith, keyClient } from '../observe/tailnet-fixture.ts';

describe('writing to a device', () => {
  let emulator: RunningEmulator;
  beforeEach(async () => {
    emulator = await emulatorWith();
  });
  afterEach(async () => {
    await emulator.close();
  });
  const device = (nodeId: string) => emulator.state.devices.find((d) => d.nodeId === nodeId);

  it('replaces tags, of that device only', async () => {
    expect(await writeDeviceTags(keyClient(emulator.url), 'nORCHCNTRL', ['tag:model'])).toEqual({ kind: 'written' });
    expect(device('nORCHCNTRL')?.tags).toEqual(['tag:model']);
    expect(device('nMODELCNTRL')?.tags).toEqual(['tag:model']);
  });

  it('replaces approved routes, and takes them away', async () => {
    const client = keyClient(emulator.url);
    expect(await writeDeviceRoutes(client, 'nMODELCNTRL', ['10.77.1.0/24', '0.0.0.0/0'])).toEqual({ kind: 'written' });
    expect(device('nMODELCNTRL')?.enabledRoutes).toEqual(['0.0.0.0/0', '10.77.1.0/24']);
    expect(await writeDeviceRoutes(client, 'nMODELCNTRL', [])).toEqual({ kind: 'written' });
    expect(device('nMODELCNTRL')?.enabledRoutes).toEqual([]);
  });

  it('is refused where the service refuses', async () => {
    const client = keyClient(emulator.url);
    expect(await writeDeviceTags(client, 'nORCHCNTRL', ['tag:nobody-owns'])).toEqual({
      kind: 'rejected',
      message: 'requested tags [tag:nobody-owns] are invalid or not permitted',
    });
    expect(await writeDeviceRoutes(client, 'nORCHCNTRL', ['10.0.0.1/24'])).toMatchObject({ kind: 'rejected' });
    expect(device('nORCHCNTRL')?.tags).toEqual(['tag:orch']);
  });

  it('fails for a device that is not there, without having written', async () => {
    const client = keyClient(emulator.url);
    for (const write of [writeDeviceTags, writeDeviceRoutes]) {
      expect(await write(client, 'nNOBODY', [])).toMatchObject({ kind: 'failed', mayHaveWritten: false });
    }
  });

  it('is not fooled by an auto-approver', async () => {
    await control(emulator.url, 'fault', { route: 'POST /device/*/routes', fault: { kind: 'auto-approve' } });
    const client = keyClient(emulator.url);
    const first = await writeDeviceRoutes(client, 'nMODELCNTRL', []);
    expect(device('nMODELCNTRL')?.enabledRoutes).toEqual(['10.77.1.0/24']);
    expect(first).toMatchObject({ kind: 'failed', mayHaveWritten: true });
  });
});
