const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const callbacks = new Set<() => Promise<void>>();

/**
 * Has `callback` called once when a signal asks this process to end. When all callbacks are done, the process ends by
 * that signal, unless somebody else listens for it and so decides what happens. Further signals wait until then.
 * @returns what takes the callback back
 */
export function onTermination(callback: () => Promise<void>): () => void {
  if (callbacks.size === 0) for (const signal of SIGNALS) process.on(signal, handle);
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return;
    for (const signal of SIGNALS) process.off(signal, handle);
  };
}

function handle(signal: NodeJS.Signals): void {
  const all = [...callbacks];
  void Promise.allSettled(all.map((callback) => callback())).then(() => {
    callbacks.clear();
    for (const s of SIGNALS) process.off(s, handle);
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  });
}
