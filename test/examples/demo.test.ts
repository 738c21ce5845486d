// The demo: its scenes succeed on both stores, and wrong arguments differ from a failure.
import { describe, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-program.js';

describe('the demo', () => {
  test('charges every payment once on the memory store', async () => {
    const { status, text } = await runToEnd('demo/main.ts');
    expect(text).toContain('Every payment was charged once.');
    expect(text).not.toContain('✗');
    expect(text.match(/^\d\. /gm)).toHaveLength(6);
    expect(status).toBe(0);
  });

  test('charges every payment once on Redis, also when a server is killed in the middle', async () => {
    const { status, text } = await runToEnd('demo/main.ts', ['--redis', redisUrl()]);
    expect(text).toContain('A server that dies');
    expect(text).toContain('Every payment was charged once.');
    expect(status).toBe(0);
  });

  test.each([
    [['--redis', 'redis://127.0.0.1:1'], 1, 'Redis does not answer at redis://127.0.0.1:1'],
    [['--port'], 2, 'Usage: npm run demo'],
  ])('says what is wrong with %j', async (args, expected, said) => {
    const { status, text } = await runToEnd('demo/main.ts', args);
    expect(text).toContain(said);
    expect(status).toBe(expected);
  });
});
