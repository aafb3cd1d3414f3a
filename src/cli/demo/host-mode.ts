import { succeeded } from '../../access/outcome.ts';
import { run } from '../../access/run.ts';
import { normalForm } from '../../apply/host-firewall-normal.ts';
import { labAvailability } from '../../lab/availability.ts';
import type { Declared } from '../topology-file.ts';

/** What the demo can do about host firewalls on this machine. */
export interface HostMode {
  /** Loaded into namespaces; only accepted by nft; only written. */
  readonly kind: 'applied' | 'checked' | 'rendered';
  /** For people, with what is missing for more. */
  readonly words: string;
}

/** Finds out by trying: being root, or having nft, is not enough in every container. */
export async function hostMode({ evidence }: Declared): Promise<HostMode> {
  const lab = labAvailability();
  if (lab.ok) return { kind: 'applied', words: 'APPLIED, in network namespaces of the demo' };
  const missing = lab.missing.join('; ');
  const rulesets = Object.entries(evidence.sources).filter(([name]) => name.endsWith('/nft.txt'));
  const nft = await run({ kind: 'local' }, ['nft', '--version'], { timeoutMs: 5_000 });
  if (!succeeded(nft)) {
    return { kind: 'rendered', words: `RENDERED only, nothing looked at them (to apply them: ${missing})` };
  }
  for (const [name, entry] of rulesets) {
    const form = await normalForm({ kind: 'local' }, String(entry.body));
    if (form.kind !== 'normal') {
      return { kind: 'rendered', words: `RENDERED only, nft did not take ${name} here (to apply them: ${missing})` };
    }
  }
  return { kind: 'checked', words: `CHECKED by nft, not applied (to apply them: ${missing})` };
}
