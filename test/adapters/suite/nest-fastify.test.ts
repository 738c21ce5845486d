// The adapter suite on Nest on Fastify.
import { runSuite } from '../run-suite.js';

await runSuite('Nest on Fastify');
