// Both majors of Nest, each with the @onceguard/nest that uses it.
import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const stacks = fileURLToPath(new URL('..', import.meta.url));
const packageFolder = fileURLToPath(new URL('../../../packages/nest', import.meta.url));

export const majors = ['11', '12'] as const;
export type Major = (typeof majors)[number];
export const platforms = ['Express', 'Fastify'] as const;
export type PlatformName = (typeof platforms)[number];

/** The types are those of Nest 12. The tests use only what Nest 11 has too, except where they say so. */
export interface NestLibrary {
  readonly major: Major;
  readonly common: typeof import('../nest-12/node_modules/@nestjs/common/index.js');
  readonly core: typeof import('../nest-12/node_modules/@nestjs/core/index.js');
  readonly express: typeof import('../nest-12/node_modules/@nestjs/platform-express/index.js');
  readonly fastify: typeof import('../nest-12/node_modules/@nestjs/platform-fastify/index.js');
  readonly microservices: typeof import('../nest-12/node_modules/@nestjs/microservices/index.js');
  readonly transformer: typeof import('../nest-12/node_modules/class-transformer/types/index.js');
  readonly validator: typeof import('../nest-12/node_modules/class-validator/types/index.js');
  readonly rxjs: typeof import('rxjs');
  readonly onceguard: typeof import('../../../packages/nest/dist/esm/index.js');
}

export async function loadNest(major: Major): Promise<NestLibrary> {
  const folder = join(stacks, `nest-${major}`);
  const { resolve } = createRequire(join(folder, 'package.json'));
  const load = async (name: string) => await import(pathToFileURL(resolve(name)).href);
  const onceguard = await import(pathToFileURL(join(installedCopy(folder), 'dist/esm/index.js')).href);
  return {
    major,
    common: await load('@nestjs/common'),
    core: await load('@nestjs/core'),
    express: await load('@nestjs/platform-express'),
    fastify: await load('@nestjs/platform-fastify'),
    microservices: await load('@nestjs/microservices'),
    transformer: await load('class-transformer'),
    validator: await load('class-validator'),
    rxjs: await load('rxjs'),
    onceguard,
  };
}

/** Loads a package that only the project of this major has. */
export async function loadFrom(major: Major, name: string) {
  const { resolve } = createRequire(join(stacks, `nest-${major}`, 'package.json'));
  return await import(pathToFileURL(resolve(name)).href);
}

/**
 * The package as npm would install it. The workspace has one copy, which finds the Nest of packages/nest; a copy within the project finds
 * the project's. Each build gets a copy of its own, which appears at once, so that several processes may ask for it.
 */
function installedCopy(project: string): string {
  const installed = join(project, 'node_modules', '.onceguard', digestOfBuild());
  if (existsSync(installed)) return installed;
  const unfinished = `${installed}.${process.pid}`;
  mkdirSync(dirname(installed), { recursive: true });
  for (const part of ['package.json', 'dist'])
    cpSync(join(packageFolder, part), join(unfinished, part), { recursive: true });
  try {
    renameSync(unfinished, installed);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(installed)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  return installed;
}

function digestOfBuild(): string {
  const digest = createHash('sha256');
  const dist = join(packageFolder, 'dist');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.(js|json|d\.ts)$/.test(file)) digest.update(file).update(readFileSync(join(dist, file)));
  }
  return digest
    .update(readFileSync(join(packageFolder, 'package.json')))
    .digest('hex')
    .slice(0, 16);
}
