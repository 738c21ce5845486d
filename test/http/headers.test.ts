// Which headers are recorded, and what a replay makes of them.
import { describe, expect, it } from 'vitest';
import { applyHeaderChange, diffHeaders } from '../../packages/core/src/http/header-change.js';
import type { HeaderEntry } from '../../packages/core/src/http/headers.js';
import { createOmitPredicate, defaultOmitHeaders } from '../../packages/core/src/http/omitted-headers.js';

const byDefault = createOmitPredicate(defaultOmitHeaders);
const change = (before: HeaderEntry[], after: HeaderEntry[]): ReturnType<typeof diffHeaders> =>
  diffHeaders(before, after, byDefault);

describe('recorded is what the handler side did', () => {
  const cases: [string, HeaderEntry[], HeaderEntry[], HeaderEntry[], string[]][] = [
    ['nothing', [['X-A', '1']], [['X-A', '1']], [], []],
    ['added', [], [['X-A', '1']], [['X-A', '1']], []],
    ['changed', [['X-A', '1']], [['X-A', '2']], [['X-A', '2']], []],
    ['removed', [['X-A', '1']], [], [], ['x-a']],
    ['set again in other case', [['X-A', '1']], [['x-a', '1']], [], []],
    ['a line more', [['X-A', '1']], [['X-A', ['1', '2']]], [['X-A', ['1', '2']]], []],
    ['the same lines', [['X-A', ['1', '2']]], [['X-A', ['1', '2']]], [], []],
    ['one line or a list of one', [['X-A', '1']], [['X-A', ['1']]], [], []],
    ['lines in another order', [['X-A', ['1', '2']]], [['X-A', ['2', '1']]], [['X-A', ['2', '1']]], []],
    [
      'a name that stands twice',
      [],
      [
        ['Link', 'a'],
        ['link', 'b'],
      ],
      [['Link', ['a', 'b']]],
      [],
    ],
    ['an empty value', [['X-A', '1']], [['X-A', '']], [['X-A', '']], []],
    ['a name that objects have', [], [['constructor', 'x']], [['constructor', 'x']], []],
  ];
  it.each(cases)('%s', (_, before, after, set, removed) => {
    expect(change(before, after)).toEqual({ set, removed });
  });

  it.each([
    ['added', [], 'Accept', ['Vary', 'Accept']],
    ['added to others', [['vary', 'Origin']], 'Origin, Accept', ['Vary', 'Accept']],
    ['already there in other case', [['vary', 'Origin']], 'ORIGIN', null],
    ['on several lines', [['Vary', ['A', 'B']]], 'B,C ,, A,D', ['Vary', 'C, D']],
    ['gone', [['Vary', 'Origin']], 'Accept', ['Vary', 'Accept']],
    ['a star', [['Vary', 'Origin']], '*', ['Vary', '*']],
  ] satisfies [string, HeaderEntry[], string, HeaderEntry | null][])(
    'of Vary, the members that were %s',
    (_, before, after, recorded) => {
      expect(change(before, [['Vary', after]])).toEqual({ set: recorded === null ? [] : [recorded], removed: [] });
    },
  );

  it('the same, whether the handler has left the other headers alone or has set them again', () => {
    const entries = ['X-A', 'Vary', 'Set-Cookie'].flatMap((name): HeaderEntry[] => [
      [name, 'a, b'],
      [name, ['b', 'c']],
    ]);
    const lists = [[], ...entries.map((one) => [one]), ...entries.flatMap((one) => entries.map((two) => [one, two]))];
    for (const [before, added] of lists.flatMap((one) => lists.map((two) => [one, two] as const))) {
      const setAgain = before.map(([name, value]): HeaderEntry => [name.toLowerCase(), value]);
      expect(change(before, [...before, ...added])).toEqual(change(setAgain, [...before, ...added]));
    }
  });

  it('not that Vary was removed: outer layers still need it', () => {
    expect(change([['Vary', 'Origin']], [])).toEqual({ set: [], removed: [] });
  });
});

describe('not recorded, neither set nor removed', () => {
  const framing = [
    'Connection',
    'Content-Length',
    'Keep-Alive',
    'Proxy-Connection',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
  ];
  const omitted = [
    ...['Date', 'Age', 'Set-Cookie', 'Access-Control-Allow-Origin', 'access-control-expose-headers', 'RateLimit'],
    ...['RateLimit-Policy', 'X-RateLimit-Remaining', 'Server-Timing', 'traceparent', 'tracestate', 'X-Request-Id'],
    ...[
      'X-Correlation-ID',
      'Authorization',
      'Proxy-Authorization',
      'WWW-Authenticate',
      'Authentication-Info',
      'Cookie',
    ],
    ...['X-Auth-Token', 'X-Api-Key', 'Api-Key', 'X-Csrf-Token', 'X-XSRF-Token', 'X-Access-Token', 'Refresh-Token'],
    ...['X-Amz-Security-Token', 'Idempotency-Key'],
  ];

  it.each([...framing, ...omitted])('%s by default', (name) => {
    expect(change([], [[name, 'x']])).toEqual({ set: [], removed: [] });
    expect(change([[name, 'x']], [])).toEqual({ set: [], removed: [] });
  });

  it.each(framing)('%s, whatever the options say', (name) => {
    expect(diffHeaders([], [[name, 'x']], createOmitPredicate([]))).toEqual({ set: [], removed: [] });
  });

  it.each([
    'Content-Type',
    'ETag',
    'Location',
    'Content-Encoding',
    'Retry-After',
    'RateLimiter',
    'Access-Control',
    'Dates',
  ])('but %s is', (name) => {
    expect(change([], [[name, 'x']]).set).toEqual([[name, 'x']]);
  });

  it('what the options name, in any case, by its beginning too', () => {
    const isOmitted = createOmitPredicate(['X-Secret', 'X-Internal-*']);
    expect(['x-secret', 'X-SECRET', 'x-internal-a', 'X-Internal-'].every(isOmitted)).toBe(true);
    expect(['x-secrets', 'x-internal', 'set-cookie'].some(isOmitted)).toBe(false);
  });

  it('the header of the key, whatever its name, where idempotency-key is left out', () => {
    const isOmitted = createOmitPredicate(defaultOmitHeaders, 'X-Request-Key');
    expect(['idempotency-key', 'x-request-key'].map(isOmitted)).toEqual([true, true]);
    expect(createOmitPredicate(['date'], 'X-Request-Key')('x-request-key')).toBe(false);
  });

  it('and nobody can change the default for everybody', () => {
    expect(Object.isFrozen(defaultOmitHeaders)).toBe(true);
  });
});

describe('a replay', () => {
  const cases: [string, HeaderEntry[], Parameters<typeof applyHeaderChange>[1], HeaderEntry[]][] = [
    ['keeps live what is not recorded', [['X-Id', '2']], { set: [], removed: [] }, [['X-Id', '2']]],
    [
      'adds',
      [['X-Id', '2']],
      { set: [['ETag', 'e']], removed: [] },
      [
        ['X-Id', '2'],
        ['ETag', 'e'],
      ],
    ],
    ['replaces in any case', [['x-a', 'live']], { set: [['X-A', 'rec']], removed: [] }, [['X-A', 'rec']]],
    [
      'removes in any case',
      [
        ['X-A', 'live'],
        ['X-B', 'b'],
      ],
      { set: [], removed: ['x-a'] },
      [['X-B', 'b']],
    ],
    ['keeps lines', [], { set: [['Link', ['a', 'b']]], removed: [] }, [['Link', ['a', 'b']]]],
    ['merges Vary', [['vary', 'Origin']], { set: [['Vary', 'Accept']], removed: [] }, [['vary', 'Origin, Accept']]],
    [
      'has a member of Vary once',
      [['vary', 'accept']],
      { set: [['Vary', 'Accept']], removed: [] },
      [['vary', 'accept']],
    ],
    ['has the recorded Vary alone', [], { set: [['Vary', 'Accept']], removed: [] }, [['Vary', 'Accept']]],
  ];
  it.each(cases)('%s', (_, live, recorded, sent) => {
    expect(applyHeaderChange(live, recorded)).toEqual(sent);
  });

  it('over the same layers sends the head of the first answer', () => {
    const before: HeaderEntry[] = [
      ['X-Powered-By', 'Express'],
      ['Vary', 'Origin'],
      ['X-Frame-Options', 'DENY'],
    ];
    const after: HeaderEntry[] = [
      ['Vary', 'Origin, Accept'],
      ['X-Frame-Options', 'SAMEORIGIN'],
      ['Link', ['a', 'b']],
    ];
    expect(applyHeaderChange(before, change(before, after))).toEqual(after);
  });
});
