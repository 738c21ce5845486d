// What check() finds is told to whoever listens to warnings, once.
import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { type Events, onEvent } from '../../packages/core/src/events.js';
import { publishFindings } from '../../packages/core/src/stores/publish-findings.js';
import { createFinding, type Finding } from '../../packages/core/src/stores/redis/diagnostics/check/findings.js';

function warningsFor(findings: readonly Finding[]): Events['warning'][] {
  const heard: Events['warning'][] = [];
  const stop = onEvent('warning', (warning) => heard.push(warning));
  publishFindings('Redis', findings);
  stop();
  return heard;
}

test('Errors and warnings are told once per code and server, and what is good to know is not', () => {
  const [one, other] = [randomUUID(), randomUUID()];
  const all = [one, other].flatMap((server) => [
    createFinding('redis_evicts', server, { policy: 'allkeys-lru' }),
    createFinding('redis_not_persistent', server, {}),
    createFinding('redis_min_replicas', server, {}),
  ]);
  expect(warningsFor(all).map(({ code, message }) => [code, message.split(':')[0]])).toEqual([
    ['redis_evicts', `Redis ${one}`],
    ['redis_not_persistent', `Redis ${one}`],
    ['redis_evicts', `Redis ${other}`],
    ['redis_not_persistent', `Redis ${other}`],
  ]);
  expect(warningsFor(all)).toEqual([]);
});

test('The message says what was found and what to do, and the process hears it too', async () => {
  const server = randomUUID();
  const heard: Error[] = [];
  const listen = (warning: Error) => heard.push(warning);
  process.on('warning', listen);
  publishFindings('Redis', [createFinding('redis_evicts', server, { policy: 'allkeys-lru' })]);
  const message = new RegExp(
    `^Redis ${server}: maxmemory-policy is allkeys-lru: .*\\. Set maxmemory-policy noeviction\\.$`,
  );
  const ours = await vi.waitUntil(() => heard.find((warning) => warning.message.includes(server)), 60_000);
  process.off('warning', listen);
  expect(ours.message).toMatch(message);
  expect(ours).toMatchObject({ name: 'OnceguardWarning', code: 'redis_evicts' });
});
