// The adapter suite on h3.
import { runSuite } from '../run-suite.js';

await runSuite('h3');
