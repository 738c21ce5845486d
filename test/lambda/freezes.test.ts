// Lambda freezes the process of a function after each response: nothing is renewed and nothing is recorded while it is frozen.
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis.js';
import type { HttpResult, LambdaSandbox } from './lambda-host.js';
import { closeSandboxes, request, sandboxTestbed } from './sandbox-testbed.js';

closeSandboxes();
const servers: RedisServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

test('A process that is frozen between requests for longer than a lease runs each key once, and replays it', async () => {
  const testbed = sandboxTestbed();
  const sandbox = await testbed.sandbox({ options: { leaseMs: 1_000 } });
  for (const key of ['a', 'a', 'b', 'a', 'b']) {
    expect(await sandbox.invokeHttp(request(key, { do: 'pay' }))).toMatchObject({ statusCode: 201, body: 'attempt 1' });
    await pause(1_300);
  }
  expect([await testbed.effects('a'), await testbed.effects('b')]).toEqual([['1'], ['1']]);
});

test('A handler that is frozen at work loses its lease: another process takes over, and what the first one ends with is not recorded', async () => {
  const testbed = sandboxTestbed();
  const settings = { options: { leaseMs: 1_500, fingerprint: false } };
  const [first, second] = await Promise.all([testbed.sandbox(settings), testbed.sandbox(settings)]);
  // A layer outside of the wrapper responds while the handler works. Its next renewal is due in the freeze.
  expect(await first.invokeHttp(request('k', { do: 'leave', workMs: 1_500 }))).toMatchObject({ statusCode: 202 });
  await pause(2_000);
  const pay = request('k', { do: 'pay' });
  expect(await second.invokeHttp(pay)).toMatchObject({ statusCode: 201, body: 'attempt 2' });
  await vi.waitFor(async () => {
    await first.runFor(50);
    expect(await testbed.aborted('k')).toBe('true');
  }, 60_000);
  for (const sandbox of [first, second])
    expect(await sandbox.invokeHttp(pay)).toMatchObject({ statusCode: 201, body: 'attempt 2' });
  expect(await testbed.effects('k')).toEqual(['1', '2']);
});

/** Two sandboxes on a Redis of their own, which is frozen when the handler of the first one has done its work. */
async function paidWhileTheStoreIsAway(
  limitMs: number,
): Promise<{ server: RedisServer; response: Promise<HttpResult>; other: LambdaSandbox }> {
  const server = await startRedis();
  servers.push(server);
  const testbed = sandboxTestbed();
  const settings = { url: server.url, callTimeoutMs: 1_000 };
  const [sandbox, other] = await Promise.all([testbed.sandbox(settings), testbed.sandbox(settings)]);
  const response = sandbox.invokeHttp(request('k', { do: 'wait' }), limitMs);
  await sandbox.untilWaiting();
  server.freeze();
  sandbox.finish();
  return { server, response, other };
}

test('A response that the store could not take leaves once it is on record, because the process is frozen after it', async () => {
  const { server, response, other } = await paidWhileTheStoreIsAway(30_000);
  await pause(3_000);
  server.thaw();
  expect(await response).toMatchObject({ statusCode: 201, headers: { 'Idempotency-Recorded': 'false' } });
  expect(await other.invokeHttp(request('k', { do: 'wait' }))).toMatchObject({
    body: 'attempt 1',
    headers: { 'Idempotent-Replayed': 'true' },
  });
});

test('While the store stays away, the response leaves half a second before the time limit, and says that it is not on record', async () => {
  const { server, response } = await paidWhileTheStoreIsAway(6_000);
  expect(await response).toMatchObject({ statusCode: 201, headers: { 'Idempotency-Recorded': 'false' } });
  server.thaw();
});
