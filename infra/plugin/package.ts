/** Package name of our provider: the first part of the resource types, and the end of the executable's name. */
export const PACKAGE = 'cordon';

/** The plugin's version, which the program asks for. */
export const VERSION = '0.1.0';

/** Type tokens; they are part of every URN in every state, so they never change. */
export const TYPES = {
  hostFirewall: 'cordon:index:HostFirewall',
  policyGuard: 'cordon:index:PolicyGuard',
  policyInPlace: 'cordon:index:PolicyInPlace',
} as const;
