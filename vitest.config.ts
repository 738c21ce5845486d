// How the tests run: which files, with which Redis, and with the built packages loaded as a user's Node loads them.
import { configDefaults, defineConfig } from 'vitest/config';

const onServersOfTheirOwn = ['test/faults/**/*.test.ts', 'test/testing/**/*.test.ts'];
const stacks = ['test/stacks/**/*.test.ts'];
// They have a configuration of their own: npm test needs Redis alone.
const onFurtherServices = 'test/services/**';

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    // Tests cause these warnings on purpose, or do so by using a Redis that keeps nothing. They hear them as events all the same.
    execArgv: ['--disable-warning=OnceguardWarning', '--disable-warning=UnsupportedWarning'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...onServersOfTheirOwn, ...stacks, onFurtherServices],
          // They wait more than they compute.
          maxWorkers: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Real frameworks, wrappers and bundlers around the packages: apart, so that the others stay quick.
        extends: true,
        test: {
          name: 'stacks',
          include: stacks,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // At the end, without the others: these start many servers, freeze and kill them, and wait for them.
        extends: true,
        test: { name: 'faults', include: onServersOfTheirOwn, maxWorkers: 2, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
