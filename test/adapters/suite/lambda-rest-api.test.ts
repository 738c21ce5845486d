// The adapter suite on Lambda behind a REST API.
import { runSuite } from '../run-suite.js';

await runSuite('Lambda behind a REST API');
