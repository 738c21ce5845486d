// The adapter suite on node:http.
import { runSuite } from '../run-suite.js';

await runSuite('node:http');
