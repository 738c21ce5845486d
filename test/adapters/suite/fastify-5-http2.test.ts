// The adapter suite on Fastify 5 over HTTP/2.
import { runSuite } from '../run-suite.js';

await runSuite('Fastify 5 over HTTP/2');
