// How the built packages load on the Node that runs: each entry point by import and by require. In tarball-contents.test.ts the same
// holds where nothing but the tarballs is installed.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { packageNames, readRepositoryFile, root } from './source-trees.js';

interface Conditions {
  readonly import: { readonly default: string };
  /** An entry point for import alone has none. */
  readonly require?: { readonly default: string };
}

const require = createRequire(import.meta.url);

test.each(packageNames)(
  'Every entry point of @onceguard/%s exports the same to import and to require',
  async (name) => {
    const { exports } = JSON.parse(readRepositoryFile(`packages/${name}/package.json`));
    const { './package.json': _, ...entryPoints }: Record<string, Conditions> = exports;
    for (const [path, conditions] of Object.entries(entryPoints)) {
      if (conditions.require === undefined) continue;
      const fileOf = (target: string) => join(root, 'packages', name, target);
      const imported = await import(pathToFileURL(fileOf(conditions.import.default)).href);
      const required = require(fileOf(conditions.require.default));
      const names = Object.keys(required).filter((key) => key !== '__esModule');
      expect(names.sort(), path).toEqual(Object.keys(imported).sort());
      expect(names.length, path).toBeGreaterThan(0);
    }
  },
);
