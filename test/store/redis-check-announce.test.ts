// What check() finds is told to whoever listens to warnings, once.
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { type Events, onEvent } from '../../packages/core/src/events.js';
import { type Finding, finding } from '../../packages/core/src/redis/check/findings.js';
import { announce } from '../../packages/core/src/redis/check.js';

function announced(findings: readonly Finding[]): Events['warning'][] {
  const heard: Events['warning'][] = [];
  const stop = onEvent('warning', (warning) => heard.push(warning));
  announce(findings);
  stop();
  return heard;
}

test('Errors and warnings are told once per code and server, and what is good to know is not', () => {
  const [one, other] = [randomUUID(), randomUUID()];
  const all = [one, other].flatMap((server) => [
    finding('redis_evicts', server, { policy: 'allkeys-lru' }),
    finding('redis_not_persistent', server, {}),
    finding('redis_min_replicas', server, {}),
  ]);
  expect(announced(all).map(({ code, message }) => [code, message.split(':')[0]])).toEqual([
    ['redis_evicts', `Redis ${one}`],
    ['redis_not_persistent', `Redis ${one}`],
    ['redis_evicts', `Redis ${other}`],
    ['redis_not_persistent', `Redis ${other}`],
  ]);
  expect(announced(all)).toEqual([]);
});

test('The message says what was found and what to do, and the process hears it too', async () => {
  const server = randomUUID();
  const heard: Error[] = [];
  const listen = (warning: Error) => heard.push(warning);
  process.on('warning', listen);
  announce([finding('redis_evicts', server, { policy: 'allkeys-lru' })]);
  const message = new RegExp(
    `^Redis ${server}: maxmemory-policy is allkeys-lru: .*\\. Set maxmemory-policy noeviction\\.$`,
  );
  const ours = await vi.waitUntil(() => heard.find((warning) => warning.message.includes(server)));
  process.off('warning', listen);
  expect(ours.message).toMatch(message);
  expect(ours).toMatchObject({ name: 'OnceguardWarning', code: 'redis_evicts' });
});
