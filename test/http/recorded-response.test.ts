// The bytes of a recorded answer: what goes in comes out, and damage is noticed.
import { isAscii } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { IdempotencyError } from '../../packages/core/src/errors.js';
import {
  decodeRecordedResponse,
  encodeRecordedResponse,
  type RecordedResponse,
} from '../../packages/core/src/http/recorded-response.js';

const answer: RecordedResponse = {
  status: 201,
  reason: 'Made & Done',
  headerChange: {
    set: [
      ['Location', '/payments/1'],
      ['Link', ['a', 'b']],
      ['X-Latin', 'caf\u00e9\t'],
    ],
    removed: ['x-powered-by'],
  },
  trailers: [['Checksum', 'abc']],
  body: Buffer.from([0, 255, 1]),
};

const empty: RecordedResponse = {
  status: 204,
  reason: '',
  headerChange: { set: [], removed: [] },
  trailers: [],
  body: Buffer.alloc(0),
};

function errorOf(bytes: Uint8Array): unknown {
  try {
    return decodeRecordedResponse(bytes);
  } catch (error) {
    return error;
  }
}

function withHead(head: unknown, { layout = 1, end = '\n' } = {}): Uint8Array {
  // A head is the list of its members.
  const list = typeof head === 'string' ? head : JSON.stringify(head && Object.values(head));
  return Buffer.concat([Buffer.from([layout]), Buffer.from(list + end)]);
}

describe('a recorded answer comes back as it was', () => {
  it.each([
    ['with everything', answer],
    ['with nothing', empty],
    ['with every byte', { ...answer, body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) }],
    ['with a body of many lines', { ...answer, body: Buffer.from('\none\r\ntwo\n\n') }],
    ['without a reason phrase', { ...answer, reason: undefined }],
    ['with a status of its own', { ...answer, status: 299 }],
  ])('%s', (_, response) => {
    expect(decodeRecordedResponse(encodeRecordedResponse(response))).toEqual(response);
  });

  it('its body is a view of the bytes, which may lie anywhere', () => {
    const bytes = encodeRecordedResponse(answer);
    const padded = new Uint8Array(bytes.byteLength + 20);
    padded.set(bytes, 10);
    const { body } = decodeRecordedResponse(padded.subarray(10, 10 + bytes.byteLength));
    expect(body).toBeInstanceOf(Buffer);
    expect(body).toEqual(answer.body);
    expect(body.buffer).toBe(padded.buffer);
  });

  it('is text in ASCII where the answer is', () => {
    const headerChange = { set: [['Location', '/payments/1'] as const], removed: [] };
    // A head as long as most are, so that a number for its length could not pass for text.
    const reason = 'x'.repeat(200);
    const bytes = encodeRecordedResponse({ ...answer, reason, headerChange, body: Buffer.from('{"id":1}') });
    expect(isAscii(bytes)).toBe(true);
  });

  it('costs little more than head and body', () => {
    expect(encodeRecordedResponse(empty).byteLength).toBeLessThan(80);
    expect(encodeRecordedResponse(empty)[0]).toBe(1);
  });
});

describe('bytes that are no recorded answer are outcome_invalid', () => {
  const head = { status: 200, reason: 'OK', set: [], removed: [], trailers: [] };

  it('a well-formed head alone is an answer', () => {
    expect(errorOf(withHead(head))).toMatchObject({ status: 200 });
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['a layout byte', new Uint8Array([1])],
    ['a newer layout', withHead(head, { layout: 2 })],
    ['layout 0', withHead(head, { layout: 0 })],
    ['a head without an end', withHead(head, { end: '' })],
    ['an empty head', withHead('')],
    ['something else', Buffer.from('{"status":200}')],
    ['a head that is no JSON', withHead('{"status":200')],
    ['a head that is no list', withHead('{"status":200}')],
    ['a head that is nothing', withHead(null)],
    ['a missing member', withHead({ ...head, trailers: undefined })],
    ['an unknown member', withHead({ ...head, more: 1 })],
    ['a status as text', withHead({ ...head, status: '200' })],
    ['status 99', withHead({ ...head, status: 99 })],
    ['status 1000', withHead({ ...head, status: 1_000 })],
    ['a broken status', withHead({ ...head, status: 200.5 })],
    ['a reason with a line break', withHead({ ...head, reason: 'OK\r\nX: y' })],
    ['a name with a colon', withHead({ ...head, set: [['X:', 'y']] })],
    ['an empty name', withHead({ ...head, set: [['', 'y']] })],
    ['a value with a line break', withHead({ ...head, set: [['X', 'y\r\nZ: 1']] })],
    ['a line with a line break', withHead({ ...head, set: [['X', ['y', 'y\n']]] })],
    ['a value beyond Latin-1', withHead({ ...head, set: [['X', '\u20ac']] })],
    ['a number as value', withHead({ ...head, set: [['X', 1]] })],
    ['a removed name with a space', withHead({ ...head, removed: ['a b'] })],
    ['a trailer with a list', withHead({ ...head, trailers: [['X', ['y']]] })],
  ])('%s', (_, bytes) => {
    const error = errorOf(bytes);
    expect(error).toBeInstanceOf(IdempotencyError);
    expect(error).toMatchObject({ code: 'outcome_invalid' });
  });

  it('every cut of the head is noticed', () => {
    const bytes = encodeRecordedResponse(answer);
    const bodyAt = bytes.byteLength - answer.body.byteLength;
    for (let end = 0; end < bodyAt; end += 1) expect(errorOf(bytes.subarray(0, end))).toBeInstanceOf(IdempotencyError);
  });

  it('and of a head without an end it is told that the rest is missing', () => {
    expect(errorOf(withHead(head, { end: '' }))).toMatchObject({ message: expect.stringContaining('cut off') });
  });

  it('and the error does not show what they hold', () => {
    const error = errorOf(withHead({ ...head, set: [['X-Token', 'secret\n']] }));
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret');
    expect(error).toMatchObject({ message: expect.stringContaining('[2,0,1]') });
  });
});
