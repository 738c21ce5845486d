// Requirement 11: one key has several spellings; an invalid key is rejected before any store call.
import { connect } from 'node:net';
import type { IdempotencyStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Options } from '../framework.js';

const header = 'Idempotency-Key';
/** The lines are written to a raw socket. */
const overHttp1 = { transport: 'HTTP/1' } as const;

/** Header lines as sent on the wire, one byte per character. */
const refused: readonly (readonly [what: string, lines: readonly string[], code: string, reason: RegExp])[] = [
  ['missing, when required', [], 'key_missing', /header Idempotency-Key is missing/],
  ['empty', [`${header}:`], 'key_invalid', /is empty/],
  ['only whitespace', [`${header}:   `], 'key_invalid', /is empty/],
  ['an empty string', [`${header}: ""`], 'key_invalid', /is empty/],
  ['256 characters', [`${header}: ${'k'.repeat(256)}`], 'key_invalid', /is longer than 255 characters/],
  ['256 characters in quotes', [`${header}: "${'k'.repeat(256)}"`], 'key_invalid', /is longer than 255 characters/],
  ['10 kB', [`${header}: ${'k'.repeat(10_000)}`], 'key_invalid', /is longer than 255 characters/],
  ['a TAB', [`${header}: a\tb`], 'key_invalid', /other than printable ASCII/],
  ['a TAB in quotes', [`${header}: "a\tb"`], 'key_invalid', /other than printable ASCII/],
  ['bytes over 127', [`${header}: k\u00e9y`], 'key_invalid', /other than printable ASCII/],
  ['bytes over 127 in quotes', [`${header}: "\u00c3\u00a9"`], 'key_invalid', /other than printable ASCII/],
  ['a comma list', [`${header}: a,b`], 'key_invalid', /is a list/],
  ['a list of strings', [`${header}: "a", "b"`], 'key_invalid', /is a list/],
  ['a header sent twice', [`${header}: a`, `${header}: b`], 'key_invalid', /sent more than once/],
  ['a header sent twice, the same', [`${header}: a`, 'idempotency-key: a'], 'key_invalid', /sent more than once/],
  ['a header sent twice, making one string', [`${header}: "a`, `${header}: b"`], 'key_invalid', /sent more than once/],
  ['a b', [`${header}: a b`], 'key_invalid', /need double quotes/],
  ['a;b', [`${header}: a;b`], 'key_invalid', /need double quotes/],
  ['a string without its end', [`${header}: "a`], 'key_invalid', /without its end/],
  ['an escape that is none', [`${header}: "a\\n"`], 'key_invalid', /backslash before something other/],
  ['something after the string', [`${header}: "a" b`], 'key_invalid', /not a parameter/],
];

/** Spellings of one key. */
const accepted: readonly (readonly [what: string, spellings: readonly string[], key: string])[] = [
  ['Quoted and bare are one key', ['abc', '"abc"', '  abc  ', '"abc";v=1'], 'abc'],
  ['Escapes are parsed', [String.raw`"a\"b\\c"`], String.raw`a"b\c`],
  ['What must be quoted may be quoted', ['"a b;c,d"'], 'a b;c,d'],
  ['255 characters are a key', ['k'.repeat(255), `"${'k'.repeat(255)}"`], 'k'.repeat(255)],
];

export function keysTests(suite: AdapterTests): void {
  suite.group(
    'An invalid key gets 400 with a code and a reason, before any store call',
    (testbed) => {
      const separable = refused.filter(([, lines]) => lines.length < 2 || testbed.has('headerLines'));
      it.each(separable)('%s', async (_, lines, code, reason) => {
        const app = await startCounting(testbed, { required: true });
        const { status, text } = await post(app.port, lines);
        const problem = JSON.parse(text) as { code: string; detail: string };
        expect([status, problem.code]).toEqual([400, code]);
        expect(problem.detail).toMatch(reason);
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect([app.calls, app.keys]).toEqual([[], []]);
      });
    },
    overHttp1,
  );

  suite.group(
    'A valid key',
    (testbed) => {
      it.each(accepted)('%s', async (_, spellings, key) => {
        const app = await startCounting(testbed);
        for (const spelling of spellings) {
          const { status, text } = await post(app.port, [`${header}: ${spelling}`]);
          expect([status, text]).toEqual([200, 'run 1']);
        }
        expect(app.keys).toEqual([key]);
        expect(app.calls.filter((verb) => verb === 'acquire')).toHaveLength(spellings.length);
      });

      it('Keys that differ in case, or in escapes, are different', async () => {
        const app = await startCounting(testbed);
        const spellings = ['abc', 'ABC', '"a b c"', String.raw`"a\\b"`, String.raw`"a\"b"`];
        for (const spelling of spellings) await post(app.port, [`${header}: ${spelling}`]);
        expect(app.keys).toEqual(['abc', 'ABC', 'a b c', 'a\\b', 'a"b']);
      });

      it('A missing key, where it is not required, runs without the store', async () => {
        const app = await startCounting(testbed);
        const responses = [await post(app.port, []), await post(app.port, [])];
        expect(responses.map(({ text }) => text)).toEqual(['run 1', 'run 2']);
        expect([app.calls, app.keys]).toEqual([[], [undefined, undefined]]);
      });

      it('The header may have another name', async () => {
        const app = await startCounting(testbed, { headerName: 'X-Request-Key' });
        await post(app.port, ['x-request-key: abc']);
        expect(app.keys).toEqual(['abc']);
      });
    },
    overHttp1,
  );
}

async function startCounting(testbed: Testbed, options: Options = {}) {
  const calls: string[] = [];
  const keys: (string | undefined)[] = [];
  const { port } = await testbed.start({
    store: recordingCalls((await testbed.openStore()).store, calls),
    options,
    handler: ({ context }) => {
      keys.push(context?.key);
      return { body: `run ${keys.length}` };
    },
  });
  return { port, calls, keys };
}

/** The same store; adds the name of every call to `calls`. */
function recordingCalls(store: IdempotencyStore, calls: string[]): IdempotencyStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/** Writes to a raw socket, because an HTTP client would correct the header. */
async function post(port: number, lines: readonly string[]): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  const request = ['POST /pay HTTP/1.1', 'Host: here', 'Connection: close', 'Content-Length: 0', ...lines];
  socket.write(`${request.join('\r\n')}\r\n\r\n`, 'latin1');
  let received = '';
  for await (const chunk of socket) received += chunk;
  const [head = '', text = ''] = received.split('\r\n\r\n', 2);
  const status = Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
  return { status, text: /^transfer-encoding: chunked$/im.test(head) ? textOfChunks(text) : text };
}

/** Chunks of text without line breaks: their lengths and their texts take turns. */
function textOfChunks(chunks: string): string {
  return chunks
    .split('\r\n')
    .filter((_, at) => at % 2 === 1)
    .join('');
}
