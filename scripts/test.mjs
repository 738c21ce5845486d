// npm test [-- vitest arguments]: installs and builds what is missing, then runs the tests on a real Redis.
import { become, bin, build, install } from './workspace.mjs';

install();
build();
become(bin('vitest'), ['run', ...process.argv.slice(2)]);
