import { Listr } from 'listr2';
import { createColors } from 'picocolors';

/** Tells the demo to whoever watches: one line a step, with its time; tables and findings in between. */
export interface Narrator {
  readonly color: boolean;
  heading(text: string): void;
  text(text: string): void;
  /** Runs a step; `say` shows what it is doing right now. */
  step<T>(title: string, work: (say: (text: string) => void) => Promise<T>): Promise<T>;
}

/** Spinners on a terminal, plain lines elsewhere. */
export function narrator(terminal: boolean, color: boolean): Narrator {
  const c = createColors(color);
  const write = (text: string) => process.stdout.write(`${text}\n`);
  let number = 0;
  return {
    color,
    heading: (text) => write(`\n${c.bold(`${++number}. ${text}`)}`),
    text: write,
    async step(title, work) {
      const started = performance.now();
      const finished = () => `${title} ${c.dim(`(${((performance.now() - started) / 1000).toFixed(1)} s)`)}`;
      if (!terminal) {
        write(`   ${title} …`);
        const result = await work(() => {});
        write(`   ${c.green('ok')} ${finished()}`);
        return result;
      }
      let result: { value: Awaited<ReturnType<typeof work>> } | undefined;
      const tasks = new Listr([
        {
          title,
          task: async (_context, task) => {
            result = {
              value: await work((text) => {
                task.output = text;
              }),
            };
            task.title = finished();
          },
        },
      ]);
      await tasks.run();
      if (result === undefined) throw new Error('a step ended without a result');
      return result.value;
    },
  };
}
