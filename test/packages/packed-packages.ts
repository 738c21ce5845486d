// A world in which nothing of the workspace is installed: the packed tarballs, and what their manifests ask for.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { redisUrl } from '../support/redis.js';
import { packagesFolder } from '../support/shared-packages.js';
import { type PackageName, packageNames, root } from './source-trees.js';

const exec = promisify(execFile);

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  /** What reads no `exports` is led by these. */
  readonly main?: string;
  readonly types?: string;
  readonly typesVersions?: { readonly '*': Readonly<Record<string, readonly string[]>> };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface PackedPackage {
  readonly name: PackageName;
  readonly manifest: Manifest;
  /** Where the tarball is unpacked, for all tests of the run: read from it alone. */
  readonly folder: string;
}

/** Every package, packed as for the registry and unpacked. The run packs them once. */
export async function packedPackages(): Promise<PackedPackage[]> {
  const all = await packagesFolder();
  return packageNames.map((name) => {
    const folder = join(all, name);
    return { name, folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) };
  });
}

/** Where peers come from: the names under which the tests have them. */
export type Peers = Readonly<Record<string, string>>;

/** Installs packages into `node_modules` of a folder: their programs, what they depend on, and those of their peers that are given. */
export function installPackages(world: string, packages: readonly PackedPackage[], peers: Peers): void {
  const modules = join(world, 'node_modules');
  for (const { name, manifest, folder } of packages) {
    cpSync(folder, join(modules, manifest.name), { recursive: true });
    for (const [program, file] of Object.entries(manifest.bin ?? {})) {
      mkdirSync(join(modules, '.bin'), { recursive: true });
      symlinkSync(join('..', manifest.name, file), join(modules, '.bin', program));
    }
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (!dependency.startsWith('@onceguard/'))
        linkModule(modules, dependency, join('packages', name, 'node_modules', dependency));
    }
    for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
      const source = peers[peer];
      if (source !== undefined) linkModule(modules, peer, join('test', 'node_modules', source));
    }
  }
}

/** Links to the real place: a link to a link would let Node look into the workspace. Several packages may share a peer. */
export function linkModule(modules: string, name: string, source: string): void {
  if (existsSync(join(modules, name))) return;
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  symlinkSync(realpathSync(join(root, source)), join(modules, name), 'junction');
}

/** A project in the world, with its files. */
export function createProject(world: string, name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(world, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

/** Runs a development tool of the workspace; rejects with what it printed when it fails. */
export async function runWorkspaceTool(tool: string, args: readonly string[], cwd: string): Promise<string> {
  return await outputOf(join(root, 'node_modules', '.bin', tool), args, cwd);
}

/** Runs a program of a package that the tests have, such as `typescript5/bin/tsc`. */
export async function runTestTool(program: string, args: readonly string[], cwd: string): Promise<string> {
  return await runNode(cwd, join(root, 'test', 'node_modules', program), args);
}

export async function runNode(cwd: string, program: string, args: readonly string[] = []): Promise<string> {
  return await outputOf(process.execPath, [program, ...args], cwd);
}

async function outputOf(command: string, args: readonly string[], cwd: string): Promise<string> {
  // What the tests themselves are run with must not reach the programs.
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', REDIS_URL: redisUrl() };
  try {
    return (await exec(command, [...args], { cwd, env, timeout: 110_000 })).stdout;
  } catch (error) {
    const said =
      error instanceof Error && 'stdout' in error && 'stderr' in error ? `${error.stdout}${error.stderr}` : '';
    throw new Error(`${command} ${args.join(' ')} failed in ${cwd}\n${said}`, { cause: error });
  }
}
