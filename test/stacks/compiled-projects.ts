// Compiles several projects by one TypeScript, in one process.
import { fileURLToPath } from 'node:url';
import { runNode } from '../packages/packed-packages.js';
import { root } from '../packages/source-trees.js';

const compiler = fileURLToPath(new URL('projects/compile.mjs', import.meta.url));

/** Compiles projects with their `tsconfig.json` and resolves with the mistakes in each, as text, by its folder: none are an empty text. */
export async function mistakesInProjects(
  typescript: 'typescript5' | 'typescript6',
  projects: readonly string[],
): Promise<Record<string, string>> {
  const output = await runNode(root, compiler, [`${root}/test/node_modules/${typescript}`, ...projects]);
  return JSON.parse(output) as Record<string, string>;
}
