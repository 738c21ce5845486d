// The adapter suite on Fastify 4.
import { runSuite } from '../run-suite.js';

await runSuite('Fastify 4');
