// What the canonical form of a large JSON body costs, measured in a process of its own.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import type { BodyCost } from '../report/results.js';

const program = fileURLToPath(new URL('body-costs.mjs', import.meta.url));
const tunedMajor = 24;

/** Runs on the version of Node that runs this, and says so where it is not the one that the code is tuned for. */
export async function bodyCosts(): Promise<BodyCost[]> {
  const major = Number.parseInt(process.versions.node, 10);
  if (major !== tunedMajor) console.log(`The bodies are measured on Node ${major}, not on Node ${tunedMajor}.`);
  const bundle = await rolldown({ input: program, platform: 'node' });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  const args = ['--input-type=module'];
  return JSON.parse(execFileSync(process.execPath, args, { input: output[0].code, encoding: 'utf8' })) as BodyCost[];
}
