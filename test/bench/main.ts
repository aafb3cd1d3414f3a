/** `npm run bench -- NAME [OPTIONS]`: measures one part of the project. */

const BENCHES: Readonly<Record<string, () => Promise<(args: string[]) => Promise<void>>>> = {
  tailnet: async () => (await import('./tailnet.ts')).benchTailnet,
  proof: async () => (await import('./proof.ts')).benchProof,
};

const [name = '', ...rest] = process.argv.slice(2);
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (load === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [OPTIONS]\n`);
  process.exitCode = 1;
} else {
  try {
    await (await load())(rest);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
