// The adapter suite on Lambda behind an HTTP API.
import { runSuite } from '../run-suite.js';

await runSuite('Lambda behind an HTTP API');
