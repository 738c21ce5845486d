// The adapter suite on Koa 2.
import { runSuite } from '../run-suite.js';

await runSuite('Koa 2');
