// The adapter suite on Fastify 5.
import { runSuite } from '../run-suite.js';

await runSuite('Fastify 5');
