// Refusals on the wire: problem documents, and when they tell a client to come back.
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable } from '../../packages/core/src/errors.js';
import { problemDocument, problemResponse, type RenderProblem } from '../../packages/core/src/http/problem-document.js';
import type { OutgoingResponse } from '../../packages/core/src/http/response.js';

const codes = Object.keys(errorTable) as ErrorCode[];

function header(response: OutgoingResponse, name: string): unknown {
  return response.headers.find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
}

function bodyOf(response: OutgoingResponse): Record<string, unknown> {
  return JSON.parse(response.body.toString());
}

describe('every refusal', () => {
  it.each(codes)('%s is a problem document with the status of its code', (code) => {
    const response = problemResponse(code);
    const { status, title, retryable } = errorTable[code];
    expect(response.status).toBe(status);
    expect(header(response, 'content-type')).toBe('application/problem+json');
    expect(header(response, 'cache-control')).toBe('no-store');
    expect(bodyOf(response)).toMatchObject({ type: `urn:onceguard:problem:${code}`, title, status, code, retryable });
  });

  it.each(codes)('%s has Retry-After exactly where its code is retryable', (code) => {
    expect(header(problemResponse(code), 'retry-after')).toBe(errorTable[code].retryable ? '1' : undefined);
  });

  it('has its own sentence, unless told another one', () => {
    expect(bodyOf(problemResponse('key_reused')).detail).toMatch(/new key/);
    expect(bodyOf(problemResponse('key_invalid')).detail).toBeUndefined();
    expect(bodyOf(problemResponse('key_invalid', { detail: 'It is empty.' })).detail).toBe('It is empty.');
  });
});

describe('Retry-After is in whole seconds, rounded up, from 1 to 3600', () => {
  it.each([
    [0, '1', 0],
    [1, '1', 1],
    [1_000, '1', 1_000],
    [1_000.5, '2', 1_001],
    [1_001, '2', 1_001],
    [29_999, '30', 29_999],
    [3_600_000, '3600', 3_600_000],
    [86_400_000, '3600', 3_600_000],
  ])('%d ms', (retryAfterMs, seconds, told) => {
    const response = problemResponse('in_progress', { retryAfterMs });
    expect(header(response, 'retry-after')).toBe(seconds);
    expect(bodyOf(response).retryAfterMs).toBe(told);
  });

  it('also for a code that is not retryable, where somebody knows when to look again', () => {
    const response = problemResponse('outcome_unknown', { retryAfterMs: 60_000 });
    expect(header(response, 'retry-after')).toBe('60');
    expect(bodyOf(response)).toMatchObject({ retryable: false, retryAfterMs: 60_000, completed: 'unknown' });
  });
});

it('an answer that is no longer kept is said to be done, when, and with which status', () => {
  const response = problemResponse('expired', {
    originalStatus: 201,
    completedAt: Date.UTC(2025, 0, 2, 3, 4, 5, 6),
  });
  expect(response.status).toBe(410);
  expect(bodyOf(response)).toMatchObject({
    completed: true,
    originalStatus: 201,
    completedAt: '2025-01-02T03:04:05.006Z',
  });
});

it('nothing is said that is not known', () => {
  expect(Object.keys(bodyOf(problemResponse('scope_missing'))).sort()).toEqual([
    'code',
    'retryable',
    'status',
    'title',
    'type',
  ]);
});

describe('renderProblem', () => {
  it('renders the document otherwise, and keeps what it does not mention', () => {
    const render: RenderProblem = ({ code, title }) => ({
      contentType: 'application/json',
      body: { error: { type: 'idempotency_error', code, message: title } },
    });
    const response = problemResponse('in_progress', { retryAfterMs: 2_000 }, render);
    expect(response.status).toBe(409);
    expect(response.headers).toEqual([
      ['Content-Type', 'application/json'],
      ['Cache-Control', 'no-store'],
      ['Retry-After', '2'],
    ]);
    expect(bodyOf(response)).toEqual({
      error: { type: 'idempotency_error', code: 'in_progress', message: expect.any(String) },
    });
    expect(problemDocument('in_progress', { retryAfterMs: 2_000 }).code).toBe('in_progress');
  });

  it.each([
    ['text', 'caf\u00e9', Buffer.from('caf\u00e9')],
    ['bytes', new Uint8Array([0, 1, 2, 3]).subarray(1, 3), Buffer.from([1, 2])],
    ['an empty text', '', Buffer.alloc(0)],
    ['a list', [1], Buffer.from('[1]')],
  ])('may give %s as body', (_, body, bytes) => {
    expect(problemResponse('key_reused', {}, () => ({ contentType: 'text/plain', body })).body).toEqual(bytes);
  });

  it('may replace the status and any header, in any case', () => {
    const response = problemResponse('key_missing', {}, () => ({
      contentType: 'text/plain',
      body: 'no',
      status: 428,
      headers: { 'cache-control': 'private', 'X-Help': 'docs' },
    }));
    expect(response.status).toBe(428);
    expect(response.headers).toEqual([
      ['Content-Type', 'text/plain'],
      ['cache-control', 'private'],
      ['X-Help', 'docs'],
    ]);
  });
});
