// The support case: from a customer and a key to the record, its timeline, the answer that was sent, and the provider's key.
import { expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-program.js';

test('Three commands lead from “alice, order-17, charged twice” to all that is known of it', async () => {
  const { status, text } = await runToEnd('support-case/index.ts', [], { REDIS_URL: redisUrl() });
  expect(status).toBe(0);
  const commands = text.split('\n$ onceguard ').slice(1);
  expect(commands.map((command) => command.split(' ')[0])).toEqual(['doubts', 'find', 'find']);
  const [doubts, page = '', ticket = ''] = commands;
  expect(doubts).toContain('Nothing is in doubt.');

  // Both times she got the same answer, and the provider was called once: there is one charge.
  expect(text.match(/Alice got 201 \{"charge":"ch_1","amount":20\}/g)).toHaveLength(2);
  const providerKeys = [...text.matchAll(/called with the key (\S+)/g)].map(([, key]) => key);
  expect(providerKeys).toHaveLength(1);
  expect(page).toMatch(/POST \/payments {2}COMPLETED/);
  expect(page).toMatch(/Timeline\n.*First attempt began\n.*Completed/);
  expect(page).toMatch(/201 Created[\s\S]*\{"charge":"ch_1","amount":20\}/);
  expect(page).toContain(`charge  ${providerKeys[0]}`);
  expect(JSON.parse(ticket.slice(ticket.indexOf('{')))).toMatchObject({
    state: 'completed',
    attempt: 1,
    outcome: { status: 201, body: { text: '{"charge":"ch_1","amount":20}' } },
    derivedKeys: { charge: providerKeys[0] },
  });
});
