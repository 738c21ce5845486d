// What becomes of the key after each answer: the rules, and who overrides whom.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checkHttpOptions } from '../../packages/core/src/http/check-http-options.js';
import { type HandlerRun, settleResponse } from '../../packages/core/src/http/classification.js';
import type { HttpOptions } from '../../packages/core/src/http/http-options.js';
import { createOmitPredicate } from '../../packages/core/src/http/omitted-headers.js';
import type { CapturedResponse } from '../../packages/core/src/http/response.js';
import { ResponseBody } from '../../packages/core/src/http/response-body.js';
import { responseView } from '../../packages/core/src/http/response-view.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';

type Policy = Pick<HttpOptions<never>, 'classify' | 'isFinal' | 'onFailure'>;

const freed = { as: 'retryable' };
const unbound = { as: 'retryable', unbindFingerprint: true };
const unknown = { as: 'unknown', retryAfterMs: null, note: null };
const recorded = (status: number) => expect.objectContaining({ as: 'done', note: `${status}` });

type ResponseParts = Partial<Omit<CapturedResponse, 'body'>> & { readonly body?: Buffer | null };

function responseOf(status: number, { body = Buffer.from('{"said":true}'), ...more }: ResponseParts = {}) {
  const head = { status, reason: '', headers: [], trailers: [] };
  const captured = { ...head, body: body && new ResponseBody(body), size: body?.length ?? 0, isStreaming: false };
  return { ...captured, ...more } satisfies CapturedResponse;
}

function settleWith(response: CapturedResponse | null, policy: Policy = {}, more: Partial<HandlerRun> = {}) {
  const options = checkHttpOptions({ store: new MemoryStore(), scope: 'public', ...policy });
  const handlerRun = {
    response,
    baselineHeaders: [],
    nothingHappened: false,
    isHandlerRunning: false,
    isUnrouted: false,
    ...more,
  };
  return settleResponse(handlerRun, options, createOmitPredicate([]));
}

const problem = (retryable: boolean, type = 'urn:onceguard:problem:in_progress', more: object = {}) => ({
  headers: [['Content-Type', 'application/problem+json; charset=utf-8']] as CapturedResponse['headers'],
  body: Buffer.from(JSON.stringify({ type, retryable, ...more })),
});

/** What becomes of the key by default, and under `onFailure: 'unknown'`. */
const rules: [
  title: string,
  response: CapturedResponse | null,
  byDefault: unknown,
  underUnknown: unknown,
  run?: Partial<HandlerRun>,
][] = [
  ...[200, 204, 302, 400, 402, 404, 409, 422].map((status): (typeof rules)[number] => {
    return [`a ${status}`, responseOf(status), recorded(status), recorded(status)];
  }),
  ...[401, 403, 407, 423, 425, 429].map((status): (typeof rules)[number] => {
    return [`a ${status}, which was not processed`, responseOf(status), unbound, unbound];
  }),
  ...[404, 405].map((status): (typeof rules)[number] => {
    return [`a ${status} that no route gave`, responseOf(status), unbound, unbound, { isUnrouted: true }];
  }),
  ...[408, 500, 502, 503, 504].map((status): (typeof rules)[number] => {
    return [`a ${status}`, responseOf(status), freed, unknown];
  }),
  ['no answer', null, freed, unknown],
  ['a 400 with Retry-After', responseOf(400, { headers: [['retry-after', '1']] }), freed, unknown],
  ['a 202 with Retry-After', responseOf(202, { headers: [['Retry-After', '1']] }), recorded(202), recorded(202)],
  ['a problem of ours that may be retried', responseOf(409, problem(true)), freed, unknown],
  [
    'a problem of ours that says that the outcome is unknown',
    responseOf(409, problem(false, 'urn:onceguard:problem:outcome_unknown', { completed: 'unknown' })),
    freed,
    unknown,
  ],
  ['a problem of ours that may not', responseOf(409, problem(false)), recorded(409), recorded(409)],
  ["somebody else's problem", responseOf(409, problem(true, 'urn:other:in_progress')), recorded(409), recorded(409)],
  [
    'a problem that is not JSON',
    responseOf(409, { ...problem(true), body: Buffer.from('{') }),
    recorded(409),
    recorded(409),
  ],
  ['a problem that was not kept', responseOf(409, { ...problem(true), body: null }), recorded(409), recorded(409)],
];

describe('Without options of its own an application gets, by default and under onFailure unknown, for', () => {
  it.each(rules)('%s', (_title, response, byDefault, underUnknown, run) => {
    expect(settleWith(response, {}, run)).toEqual(byDefault);
    expect(settleWith(response, { onFailure: 'unknown' }, run)).toEqual(underUnknown);
  });

  it.each(rules)(
    '%s where the handler said that nothing happened',
    (_title, response, _byDefault, _underUnknown, run) => {
      const frees = response === null || response.status >= 400;
      for (const onFailure of ['retry', 'unknown'] as const) {
        const end = settleWith(response, { onFailure }, { ...run, nothingHappened: true });
        expect(end).toEqual(frees ? unbound : recorded(response.status));
      }
    },
  );

  it.each([401, 429])('a %d sent while the handler still runs: the outcome of a failure', (status) => {
    expect(settleWith(responseOf(status), {}, { isHandlerRunning: true })).toEqual(freed);
    expect(settleWith(responseOf(status), { onFailure: 'unknown' }, { isHandlerRunning: true })).toEqual(unknown);
  });
});

describe('isFinal', () => {
  it('false is a failure: unknown under onFailure unknown, free by default', () => {
    for (const status of [200, 302, 402, 500]) {
      expect(settleWith(responseOf(status), { isFinal: () => false })).toEqual(freed);
      expect(settleWith(responseOf(status), { isFinal: () => false, onFailure: 'unknown' })).toEqual(unknown);
    }
  });

  it('false leaves what was not processed free', () => {
    expect(settleWith(responseOf(401), { isFinal: () => false, onFailure: 'unknown' })).toEqual(unbound);
  });

  it('false leaves an answer free whose handler said that nothing happened', () => {
    const policy = { isFinal: () => false, onFailure: 'unknown' } as const;
    expect(settleWith(responseOf(200), policy, { nothingHappened: true })).toEqual(unbound);
  });

  it('true records, whatever the status', () => {
    for (const status of [200, 401, 408, 500])
      expect(settleWith(responseOf(status), { isFinal: () => true })).toEqual(recorded(status));
  });
});

describe('classify', () => {
  it.each(['retry', 'unknown'] as const)('decides over the status, also where onFailure is %s', (onFailure) => {
    for (const status of [200, 401, 500]) {
      expect(settleWith(responseOf(status), { onFailure, classify: () => 'record' })).toEqual(recorded(status));
      expect(settleWith(responseOf(status), { onFailure, classify: () => 'retry' })).toEqual(freed);
      expect(settleWith(responseOf(status), { onFailure, classify: () => 'unknown' })).toEqual(unknown);
    }
  });

  it('leaves an answer to the rules where it gives undefined', () => {
    for (const [, response, byDefault, , run] of rules)
      expect(settleWith(response, { classify: () => undefined }, run)).toEqual(byDefault);
  });

  it('does not decide over a handler that said that nothing happened', () => {
    const marked = { nothingHappened: true };
    expect(settleWith(responseOf(400), { classify: () => 'record' }, marked)).toEqual(unbound);
    expect(settleWith(responseOf(200), { classify: () => 'unknown' }, marked)).toEqual(unbound);
    expect(settleWith(responseOf(200), { classify: () => 'record' }, marked)).toEqual(recorded(200));
  });

  it.each(['maybe', true, null, Promise.resolve('record')])(
    'that gives %s fails, and its message says what it may give',
    (given) => {
      const failing = () => settleWith(responseOf(200), { classify: () => given as never });
      expect(failing).toThrow(
        /The option classify returned .*; it must return "record", "retry", "unknown" or undefined\./,
      );
    },
  );

  it('that throws fails, with what it threw as the cause', () => {
    const thrown = new Error('It failed.');
    const classify = () => {
      throw thrown;
    };
    expect(() => settleWith(responseOf(200), { classify })).toThrow(
      expect.objectContaining({ code: 'option_invalid', cause: thrown }),
    );
  });

  it('beside isFinal is refused, with the remedy', () => {
    const both = { classify: () => undefined, isFinal: () => true };
    expect(() => settleWith(null, both)).toThrow(/isFinal.*it must be left out where classify is given/);
  });
});

describe('The JSON of an answer', () => {
  const data = { errors: [{ message: 'It failed.' }] };
  const text = JSON.stringify(data);
  it.each([
    ['as it is', undefined, Buffer.from(text)],
    ['in gzip', 'gzip', gzipSync(text)],
    ['in deflate', 'Deflate', deflateSync(text)],
    ['in br', 'br', brotliCompressSync(text)],
  ])('is read %s', (_title, encoding, body) => {
    const headers: CapturedResponse['headers'] = encoding === undefined ? [] : [['Content-Encoding', encoding]];
    expect(responseView(responseOf(200, { headers, body })).json()).toEqual(data);
  });

  it.each([
    ['not JSON', undefined, Buffer.from('<html>')],
    ['empty', undefined, Buffer.alloc(0)],
    ['not what its encoding says', 'gzip', Buffer.from(text)],
    ['in an encoding that is not known', 'compress', Buffer.from(text)],
    ['not kept', undefined, null],
  ])('is undefined where the body is %s', (_title, encoding, body) => {
    const headers: CapturedResponse['headers'] = encoding === undefined ? [] : [['Content-Encoding', encoding]];
    expect(responseView(responseOf(200, { headers, body })).json()).toBeUndefined();
  });
});
