// What the canonical form of a large JSON body costs, measured in a process without a loader.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BodyCost } from '../report/results.js';

const program = fileURLToPath(new URL('body-costs.mjs', import.meta.url));
const tunedMajor = 24;

/** Runs on the version of Node that runs this, and says so where it is not the one that the code is tuned for. */
export function bodyCosts(): BodyCost[] {
  const major = Number.parseInt(process.versions.node, 10);
  if (major !== tunedMajor) console.log(`The bodies are measured on Node ${major}, not on Node ${tunedMajor}.`);
  return JSON.parse(execFileSync(process.execPath, [program], { encoding: 'utf8' })) as BodyCost[];
}
