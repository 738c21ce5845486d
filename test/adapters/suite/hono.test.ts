// The adapter suite on Hono.
import { runSuite } from '../run-suite.js';

await runSuite('Hono');
