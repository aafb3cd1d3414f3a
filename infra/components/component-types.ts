/** Type tokens of our components; they are part of every URN in every state, so they never change. */
export const COMPONENTS = {
  policy: 'cordon:index:TailnetPolicy',
  settings: 'cordon:index:TailnetSettings',
  devices: 'cordon:index:TailnetDevices',
  firewalls: 'cordon:index:HostFirewalls',
} as const;
