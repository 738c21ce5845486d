// What must be equal in a response and its replay.
import { expect } from 'vitest';
import type { ReceivedResponse } from './http-client.js';

/** These headers frame one message, date it, or mark the replay. */
const perMessageHeaders = [
  'connection',
  'content-length',
  'date',
  'idempotent-replayed',
  'keep-alive',
  'trailer',
  'transfer-encoding',
];

/** Status, reason phrase, bytes, trailers and every header line except those of one message, by name. */
export function comparableResponse({ status, reason, rawHeaders, rawTrailers, body }: ReceivedResponse) {
  const lines = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[at + 1]}`] : [],
  );
  const headers = lines.filter((line) => !perMessageHeaders.includes(line.slice(0, line.indexOf(':'))));
  const byName = (one: string, other: string) => one.split(':', 1).join().localeCompare(other.split(':', 1).join());
  return { status, reason, headers: headers.sort(byName), rawTrailers, body: body.toString('latin1') };
}

export function expectReplay(replay: ReceivedResponse, first: ReceivedResponse): void {
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(replay.headers['idempotent-replayed']).toBe('true');
  expect(comparableResponse(replay)).toEqual(comparableResponse(first));
}
