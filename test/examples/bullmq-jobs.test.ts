// The example bullmq-jobs runs as its file says, and shows what it promises.
import { expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-program.js';

test('an order that is added twice is charged once, and a job that failed after its charge does not charge again', async () => {
  const { status, text } = await runToEnd('bullmq-jobs/main.ts', [], { REDIS_URL: redisUrl() });
  const lines = text.split('\n');
  const matching = (pattern: RegExp) => lines.filter((line) => pattern.test(line));

  expect(matching(/^order-17: charging 2000 cents/)).toHaveLength(1);
  expect(lines).toContain('order-17: two jobs, ch_1 and ch_1');
  expect(matching(/^order-18: charging 3000 cents/)).toHaveLength(1);
  expect(matching(/^order-18: job .*, attempt [12]$/)).toHaveLength(2);
  expect(matching(/^order-18: job .* failed: the mail server is away/)).toHaveLength(1);
  expect(lines).toContain('order-18: one job, ch_2');
  expect(lines).toContain('2 orders, 3 jobs, 2 charges');
  expect(status).toBe(0);
});
