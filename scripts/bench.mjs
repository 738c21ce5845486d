// npm run bench [-- arguments]: installs and builds what is missing, then measures.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
// The Redis of the benchmark keeps nothing on disk, and the store warns of that.
await becomeProgram('bench', 'main.ts', { flags: ['--no-warnings'] });
