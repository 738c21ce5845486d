// The adapter suite on Koa 3 over HTTP/2.
import { runSuite } from '../run-suite.js';

await runSuite('Koa 3 over HTTP/2');
