// The adapter suite on Express 4.
import { runSuite } from '../run-suite.js';

await runSuite('Express 4');
