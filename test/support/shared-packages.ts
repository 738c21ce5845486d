// The packages as they are published, packed once for the whole run: nine files install them, and packing takes longer than their tests.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { locationOf, offer } from './offer.js';

const exec = promisify(execFile);
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const variable = 'PACKAGES_OFFER';

/** Listens for tests that need the packages. Resolves with the function that removes them. */
export async function offerPackages(): Promise<(() => Promise<void>) | undefined> {
  return await offer(variable, async () => {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'onceguard-packages-'));
    await packInto(folder);
    return { location: folder, stop: async () => rmSync(folder, { recursive: true, force: true }) };
  });
}

/** The folder in which each package is unpacked, by its name. It is for all tests of the run: copy from it, and leave it as it is. */
export async function packagesFolder(): Promise<string> {
  return await locationOf(variable);
}

async function packInto(folder: string): Promise<void> {
  const pnpm = join(root, 'node_modules', '.bin', 'pnpm');
  // One process for all: each start of pnpm takes longer than to pack a package.
  const args = ['--recursive', '--filter', './packages/*', 'pack', '--pack-destination', folder];
  await exec(pnpm, args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  await Promise.all(
    readdirSync(folder).map(async (tarball) => {
      const name = /^onceguard-(.+?)-\d/.exec(tarball)?.[1] ?? tarball;
      mkdirSync(join(folder, name));
      await exec('tar', ['-xzf', join(folder, tarball), '-C', join(folder, name), '--strip-components', '1']);
    }),
  );
}
