// npm run test:long [-- vitest arguments]: the tests of random inputs and of many requests, with larger amounts than in npm test.
import { runVitest } from './vitest.mjs';
import { prepare } from './workspace.mjs';

/** Those whose amounts `test/support/amounts.ts` gives. */
const files = [
  'test/model/',
  'test/postgres/model',
  'test/sqlite/model',
  'test/store/mutated-records',
  'test/bullmq/redelivery-storm',
  'test/prometheus/counts',
];

await prepare();
const env = { ...process.env, ONCEGUARD_LONG: '1' };
const { failed } = await runVitest([...files, ...process.argv.slice(2)], { env });
if (failed !== '') console.log(`\n${failed}`);
