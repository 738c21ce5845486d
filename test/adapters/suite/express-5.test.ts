// The adapter suite on Express 5.
import { runSuite } from '../run-suite.js';

await runSuite('Express 5');
