// The adapter suite on Nest on Express.
import { runSuite } from '../run-suite.js';

await runSuite('Nest on Express');
