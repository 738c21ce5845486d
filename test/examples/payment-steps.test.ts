// The example payment-steps: wherever the server is killed, an order is charged once, and no doubt is skipped.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { redisUrl } from '../support/redis.js';
import { listeningPort, runCompiledToEnd, startProgram } from './run-program.js';

describe('payment-steps', () => {
  /** The cells of the table that it prints, by incident. */
  let rows: Map<string, readonly string[]>;
  let status: number;

  beforeAll(async () => {
    const output = await runCompiledToEnd('payment-steps/main.ts', { REDIS_URL: redisUrl() });
    const lines = output.text.split('\n').filter((line) => line.startsWith('| '));
    const cells = lines.map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
    rows = new Map(cells.map(([what = '', ...rest]) => [what, rest]));
    status = output.status;
  }, 180_000);

  const once = ['1 x', '1 x', '1 x', '1 x'];
  // Only the mail can be in doubt: the mailer's log shows whether it was sent.
  const deaths = ['reserve', 'charge', 'ship', 'mail'].flatMap((step) => [
    [`${step}, before the call`, 'not_done'],
    [`${step}, after the call`, step === 'mail' ? 'done' : 'not_done'],
    [`${step}, after the record`, 'not_done'],
  ]);

  test.each(deaths)('killed at %s: recover finds %s, and the client gets its order, done once', (point, found) => {
    const [recovered = '', seen = '', ...counts] = rows.get(point) ?? [];
    expect(recovered.split(', ')).toContain(found);
    expect(seen).toMatch(/^no answer, (.*, )?201$/);
    expect(counts).toEqual(once);
  });

  test('a lost response of the provider causes a second call, and no second charge', () => {
    const [recovered = '', seen, ...counts] = rows.get('the provider charges, and its response is lost') ?? [];
    expect(recovered.split(', ')).toContain('not_done');
    expect(seen).toBe('502, 201');
    expect(counts).toEqual(once);
  });

  test('a pending charge is an unknown outcome, until the provider knows', () => {
    const [recovered, seen, ...counts] = rows.get('the provider takes too long') ?? [];
    expect(recovered).toMatch(/^still_unknown, .*not_done$/);
    expect(seen).toMatch(/^502, 409 outcome_unknown, (.*, )?201$/);
    expect(counts).toEqual(once);
  });

  test('without an incident nothing is recovered, and the program says that all checks passed', () => {
    expect(rows.get('nothing goes wrong')).toEqual(['-', '201', ...once]);
    expect([...rows.keys()]).toHaveLength(2 + 1 + deaths.length + 2);
    expect(status).toBe(0);
  });
});

describe('the payment provider of payment-steps, on its own', () => {
  let program: ChildProcess;
  let port: number;
  beforeAll(async () => {
    program = startProgram('payment-steps/provider.ts', [], { PORT: '0' });
    port = await listeningPort(program);
  });
  afterAll(() => program.kill('SIGKILL'));

  test('charges once for a key, and reports by key what it did', async () => {
    const key = randomUUID();
    const charge = async () =>
      await send(port, { path: '/charges', key, body: { order: 'order-1', cents: 100 } }).then((response) =>
        response.json(),
      );
    const first = await charge();
    expect(await charge()).toEqual(first);
    const found = await send(port, { method: 'GET', path: `/charges?key=${key}` });
    expect(JSON.parse(found.text)).toEqual([first]);
  });
});
