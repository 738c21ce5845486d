// npm run bench [-- arguments]: installs and builds what is missing, then measures, on the version of Node that is tuned for or on
// the one that `--node` names.
import { measuredMajor, nodeOf, testedMajors, versionOf } from './nodes.mjs';
import { becomeProgram, prepare } from './workspace.mjs';

const { major, args } = takeMajor(process.argv.slice(2));
await prepare();
const found = await nodeOf(major);
if (found === null) console.log(`There is no package of Node ${major} for this machine.`);
const node = found ?? process.execPath;
console.log(`On Node ${versionOf(node)}:`);
// The Redis of the benchmark keeps nothing on disk, and the store warns of that.
await becomeProgram('bench', 'main.ts', { node, flags: ['--no-warnings'], args });

/** Takes `--node N` out of the arguments. Ends the process if N is none of the versions that can be fetched. */
function takeMajor(all) {
  const at = all.findIndex((arg) => /^--node(=|$)/.test(arg));
  if (at < 0) return { major: measuredMajor, args: all };
  const [, inline] = all[at].split('=');
  const text = inline ?? all[at + 1] ?? '';
  if (!testedMajors.includes(Number(text))) {
    console.error(`--node ${text}: give one of ${testedMajors.join(', ')}.`);
    process.exit(2);
  }
  return { major: Number(text), args: all.toSpliced(at, inline === undefined ? 2 : 1) };
}
