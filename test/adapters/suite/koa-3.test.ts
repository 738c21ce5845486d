// The adapter suite on Koa 3.
import { runSuite } from '../run-suite.js';

await runSuite('Koa 3');
