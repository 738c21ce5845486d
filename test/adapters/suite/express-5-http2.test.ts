// The adapter suite on Express 5 over HTTP/2.
import { runSuite } from '../run-suite.js';

await runSuite('Express 5 over HTTP/2');
