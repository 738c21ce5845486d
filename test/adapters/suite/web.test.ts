// The adapter suite on handlers that take a Request.
import { runSuite } from '../run-suite.js';

await runSuite('web');
