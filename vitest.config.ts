// How the tests run: which files, with which Redis, and with the built packages loaded as a user's Node loads them.
import { configDefaults, defineConfig } from 'vitest/config';
import { FileOrder } from './vitest.file-order.js';

/**
 * Folders whose files share processes: to start one and to load the packages takes longer than most of their tests. What a file leaves
 * behind, such as a store that still tries, the files after it meet.
 */
const sharingFolders = [
  'protocol',
  'engine',
  'steps',
  'transactions',
  'store',
  'postgres',
  'sqlite',
  'http',
  'node',
  'fastify',
  'web',
  'h3',
  'client',
  'lambda',
  'bullmq',
  'cli',
  'bench',
  'packages',
  'examples',
];

/**
 * Files of these folders that need a process of their own: they measure its memory, change globals, need that nobody listens, or move the
 * clock, for everything that other files left waiting too.
 */
const aloneInSharingFolders = [
  'test/examples/{documents,guides,inspector-document,lambda,operations,sqlite-documents,uploads,web-documents}.test.ts',
  'test/engine/{coalesced-waiting,events,hidden-property,retry-queue,store-clock,tracing-channels,waiting-across-processes}.test.ts',
  'test/http/{tick-batch,unhandled-errors}.test.ts',
  'test/node/{body-copies,connection,large-responses,prototype-patches}.test.ts',
  'test/postgres/documents.test.ts',
  'test/store/{local-cache-invalidation,local-cache-memory,local-cache-replays,redis-batching,redis-options}.test.ts',
];

/** They share processes among themselves: each loads every framework, some of which change globals. */
const onEveryFramework = ['test/adapters/*.test.ts'];
const aloneOnEveryFramework = ['test/adapters/{08-on-finished,12-disconnect-costs,21-two-copies}.test.ts'];

const onServersOfTheirOwn = ['test/faults/**/*.test.ts', 'test/testing/**/*.test.ts'];
const stacks = ['test/stacks/**/*.test.ts'];
/** They share processes among themselves too: to load both majors of Nest takes longer than most of their tests. */
const onNest = ['test/stacks/nest-!(templates).test.ts'];

// They compute nearly all the time. npm test runs them beside the others.
const onStacks = { maxWorkers: 1, sequence: { groupOrder: 1 } };

/** All other folders. The services have a configuration of their own: npm test needs Redis alone. */
const otherFolders = `test/!(${[...sharingFolders, 'adapters', 'faults', 'testing', 'stacks', 'services'].join('|')})`;

// They wait about as much as they compute.
const contract = { maxWorkers: 5, sequence: { groupOrder: 0 } };

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    server: { deps: { external: [/\/packages\/[^/]+\/dist\/(?!esm\/adapter-suite\/)/] } },
    // Tests cause these warnings on purpose, or do so by using a Redis that keeps nothing. They hear them as events all the same.
    execArgv: ['--disable-warning=OnceguardWarning', '--disable-warning=UnsupportedWarning'],
    // A test that hangs fails all the same, and a busy machine has time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    sequence: { sequencer: FileOrder },
    projects: [
      {
        extends: true,
        test: {
          ...contract,
          name: 'contract',
          include: [
            `${otherFolders}/**/*.test.ts`,
            'test/*.test.ts',
            'test/adapters/suite/*.test.ts',
            ...aloneInSharingFolders,
            ...aloneOnEveryFramework,
          ],
        },
      },
      {
        extends: true,
        test: {
          ...contract,
          name: 'contract-adapters',
          isolate: false,
          setupFiles: ['test/support/forget-warnings.ts'],
          include: onEveryFramework,
          exclude: [...configDefaults.exclude, ...aloneOnEveryFramework],
        },
      },
      {
        extends: true,
        test: {
          ...contract,
          name: 'contract-shared',
          isolate: false,
          setupFiles: ['test/support/forget-warnings.ts', 'test/support/unchanged-globals.ts'],
          include: [`test/{${sharingFolders.join(',')}}/**/*.test.ts`],
          exclude: [...configDefaults.exclude, ...aloneInSharingFolders],
        },
      },
      {
        // Real frameworks, wrappers and bundlers around the packages: apart, so that the others stay quick.
        extends: true,
        test: {
          ...onStacks,
          name: 'stacks',
          include: stacks,
          exclude: [...configDefaults.exclude, ...onNest],
        },
      },
      {
        extends: true,
        test: {
          ...onStacks,
          name: 'stacks-nest',
          isolate: false,
          setupFiles: ['test/support/forget-warnings.ts', 'test/support/unchanged-globals.ts'],
          include: onNest,
        },
      },
      {
        // These start many servers, freeze and kill them, and wait for leases to end. What computes beside them would take the time that they measure,
        // so they come last, or beside a run of the others that has the lowest priority: scripts/test.mjs.
        extends: true,
        test: { name: 'faults', include: onServersOfTheirOwn, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
