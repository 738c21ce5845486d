// Bundles the page of the inspector into one source file of its package, so that users need no build step.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './processes.mjs';

const folder = join(root, 'packages', 'inspector');
const target = join(folder, 'src', 'page.ts');

/** Writes `packages/inspector/src/page.ts`, unless it is the same already. */
export async function bundleInspectorPage() {
  const esbuild = await import(pathToFileURL(createRequire(join(folder, 'package.json')).resolve('esbuild')).href);
  const script = await bundle(esbuild, 'main.tsx');
  const style = await bundle(esbuild, 'style.css');
  const text = [
    '// Made by scripts/inspector-page.mjs from packages/inspector/page: the script and the style sheet of the page.',
    '',
    `export const page = Object.freeze({\n  script: ${JSON.stringify(script)},\n  style: ${JSON.stringify(style)},\n});`,
    '',
  ].join('\n');
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text);
}

async function bundle(esbuild, entry) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(folder, 'page', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
  });
  return outputFiles[0].text.trim();
}
