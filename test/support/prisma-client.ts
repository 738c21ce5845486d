// The client that Prisma generates from the schema of examples/prisma-ledger.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../packages/source-trees.js';

export const prismaExample = join(root, 'examples/prisma-ledger');
const schema = join(prismaExample, 'schema.prisma');

/** What the tests use of a client, and of its transactions. */
export interface PrismaTestClient {
  $transaction<T>(work: (tx: PrismaTestTransaction) => Promise<T>, options?: object): Promise<T>;
  $disconnect(): Promise<void>;
}

export interface PrismaTestTransaction {
  readonly account: {
    create(args: { data: Account }): PromiseLike<Account>;
    update(args: { where: { id: string }; data: { cents: number } }): PromiseLike<Account>;
    findUniqueOrThrow(args: { where: { id: string } }): PromiseLike<Account>;
  };
  $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>;
}

interface Account {
  readonly id: string;
  readonly cents: number;
}

/** Runs `prisma generate`. It needs no engine to make a client, but looks for one: any file will do, so that it downloads none. */
export async function generatePrismaClient(path = schema): Promise<void> {
  const program = createRequire(join(prismaExample, 'package.json')).resolve('prisma/build/index.js');
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
  const args = [program, 'generate', '--schema', path, '--no-hints'];
  await promisify(execFile)(process.execPath, args, { cwd: prismaExample, env });
}

/** A client of its own for each caller, so that no two test files write the same one. `tables`: the schema that has the tables. */
export async function openPrisma(url: string, tables: string): Promise<PrismaTestClient> {
  const folder = join(prismaExample, 'generated');
  await mkdir(folder, { recursive: true });
  const ownSchema = join(folder, `${tables}.prisma`);
  await writeFile(ownSchema, (await readFile(schema, 'utf8')).replace('./generated/ledger', `./${tables}`));
  await generatePrismaClient(ownSchema);
  const { PrismaClient } = await import(pathToFileURL(join(folder, tables, 'client.ts')).href);
  const adapterEntry = createRequire(join(prismaExample, 'package.json')).resolve('@prisma/adapter-pg');
  const { PrismaPg } = await import(pathToFileURL(adapterEntry).href);
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }, { schema: tables }) });
  // Loads the compiler of queries, which takes longer than a transaction may take to begin.
  await prisma.$connect();
  await Promise.all([ownSchema, join(folder, tables)].map((path) => rm(path, { recursive: true })));
  return prisma;
}
