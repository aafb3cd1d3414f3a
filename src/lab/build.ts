import { existsSync } from 'node:fs';
import { allDone, ipBatch, writeSettings } from './ip.ts';
import type { LabHost, LabLayout } from './layout.ts';
import {
  bridgeLines,
  HUB_BRIDGE_SETTINGS,
  HUB_SETTINGS,
  hostLines,
  hostSettings,
  type KernelSettings,
  plugLines,
} from './script.ts';

/**
 * Fills the existing, empty namespaces of a layout: settings first, then bridges, cables, addresses and routes.
 * @throws CordonError `lab-ip`
 */
export async function buildNetwork(layout: LabLayout): Promise<void> {
  await allDone([buildHub(layout), ...layout.hosts.map((h) => applySettings(h.namespace, hostSettings(h)))]);
  await ipBatch(
    layout.hub,
    layout.hosts.flatMap((h) => plugLines(layout, h)),
  );
  await allDone(layout.hosts.map((h) => ipBatch(h.namespace, hostLines(h))));
}

/**
 * Adds one host to a network that stands.
 * @throws CordonError `lab-ip`
 */
export async function addToNetwork(layout: LabLayout, host: LabHost): Promise<void> {
  await applySettings(host.namespace, hostSettings(host));
  await ipBatch(layout.hub, plugLines(layout, host));
  await ipBatch(host.namespace, hostLines(host));
}

async function buildHub(layout: LabLayout): Promise<void> {
  // Present in every namespace or in none: the module registers its settings for all of them.
  const bridgeSettings = HUB_BRIDGE_SETTINGS.filter((path) => existsSync(`/proc/sys/net/${path}`));
  await applySettings(layout.hub, { ...HUB_SETTINGS, zero: [...HUB_SETTINGS.zero, ...bridgeSettings] });
  await ipBatch(layout.hub, bridgeLines(layout));
}

async function applySettings(namespace: string, settings: KernelSettings): Promise<void> {
  await writeSettings(namespace, '0', settings.zero);
  await writeSettings(namespace, '1', settings.one);
}
