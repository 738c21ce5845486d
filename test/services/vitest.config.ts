// The tests that need servers besides Redis: npm run test:services. They are not part of npm test.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'services',
    include: ['test/services/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/services/global-setup.ts'],
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
