// npm run test:services [-- vitest arguments]: the tests that need servers besides Redis, each found or installed by the run.
import { become, bin, build, install } from './workspace.mjs';

install();
build();
become(bin('vitest'), ['run', '--config', 'test/services/vitest.config.ts', ...process.argv.slice(2)]);
