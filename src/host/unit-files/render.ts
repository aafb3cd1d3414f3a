import { cellFiles } from './cell.ts';
import { firewallFiles } from './firewall.ts';
import { modelFiles } from './model.ts';
import type { UnitFile, UnitPlan } from './plan.ts';

/**
 * Everything to install for one host, in the order of the paths. A host that is a namespace on another host's machine
 * shares that machine's folders: the names of its own files have its name in them.
 */
export function renderUnits(plan: UnitPlan): readonly UnitFile[] {
  const files = [
    ...(plan.cell === undefined ? firewallFiles(plan) : cellFiles(plan, plan.cell)),
    ...(plan.model === undefined ? [] : modelFiles(plan, plan.model)),
  ];
  return files.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
}
