import type { FaultBook } from './faults.ts';
import type { Store } from './store.ts';
import type { TokenBook } from './tokens.ts';

/**
 * `strict` checks what the real service checks: policy syntax and tests, tag owners. `lenient` stores anything, which the
 * replay of recorded provider traffic needs, because the recorded policies use tags that nothing declares.
 */
export type EmulatorMode = 'strict' | 'lenient';

/** What every route works with. */
export interface EmulatorContext {
  readonly tailnetId: string;
  readonly mode: EmulatorMode;
  readonly store: Store;
  readonly tokens: TokenBook;
  readonly faults: FaultBook;
  readonly now: () => Date;
}
