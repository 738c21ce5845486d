// npm run bench [-- arguments]: installs and builds what is missing, then measures, on the version of Node that is tuned for.
import { measuredMajor, nodeOf, versionOf } from './nodes.mjs';
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
const found = await nodeOf(measuredMajor);
if (found === null) console.log(`There is no package of Node ${measuredMajor} for this machine.`);
const node = found ?? process.execPath;
console.log(`On Node ${versionOf(node)}:`);
// The Redis of the benchmark keeps nothing on disk, and the store warns of that.
await becomeProgram('bench', 'main.ts', { node, flags: ['--no-warnings'] });
