// Patches of ServerResponse.prototype, as tracing tools make them: they see each response once, when it is sent.
import { execFile } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CaptureServer, sendWhenEnded, startCaptureServer } from './support/capture-server.js';
import { requestText } from './support/raw-http.js';

interface SeenCall {
  readonly name: string;
  readonly on: object;
  readonly args: readonly unknown[];
}

let seenCalls: SeenCall[] = [];
let wire: CaptureServer;
beforeEach(() => {
  createRequire(import.meta.url)('./support/patches.cjs');
  Reflect.set(globalThis, 'patchSaw', (name: string, on: object, args: unknown[]) =>
    seenCalls.push({ name, on, args }),
  );
  seenCalls = [];
});
afterEach(() => {
  Reflect.deleteProperty(globalThis, 'patchSaw');
  return wire.close();
});

const responses: Record<string, (res: ServerResponse) => void> = {
  'given whole to end': (res) => void res.setHeader('X-Made', 'here').end('é and more'),
  'with a head of its own': (res) => void res.writeHead(201, 'Paid', { 'X-Made': 'here' }).end('é and more'),
  'in pieces': (res) => {
    res.write('é and');
    res.end(' more');
  },
  'as an event stream': (res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.write('é and');
    res.write(' more');
    res.end();
  },
  'larger than is recorded': (res) => {
    res.write('é and more');
    res.write('x'.repeat(100_000));
    res.end('x'.repeat(100_000));
  },
  'with its head flushed': (res) => {
    res.flushHeaders();
    res.end('é and more');
  },
  'with trailers': (res) => {
    res.writeHead(200, { Trailer: 'X-Sum' });
    res.write('é and more');
    res.addTrailers({ 'X-Sum': '1' });
    res.end();
  },
};

describe('A patch of ServerResponse.prototype sees a response once', () => {
  it.each(Object.keys(responses))('%s', async (name) => {
    wire = await startCaptureServer((exchange) => {
      void sendWhenEnded(exchange);
      responses[name]?.(exchange.res);
    });
    const { res } = await (async () => {
      const client = await wire.connect(requestText('POST'));
      const exchange = await wire.nextExchange();
      await client.closed;
      return exchange;
    })();
    expect(new Set(seenCalls.map(({ on }) => on))).toEqual(new Set([res]));
    expect(calls('writeHead')).toHaveLength(1);
    expect(calls('end')).toHaveLength(1);
    const bytes = [...calls('write'), ...calls('end')].map(({ args }) =>
      Buffer.from((args[0] as Buffer | undefined) ?? ''),
    );
    expect(Buffer.concat(bytes).toString()).toMatch(/^é and more(x{200000})?$/);
  });

  const calls = (name: string): SeenCall[] => seenCalls.filter((call) => call.name === name);
});

it('A patch that was made before the package was loaded sees a response once, too', async () => {
  wire = await startCaptureServer(() => {});
  const program = fileURLToPath(new URL('support/patched-before-load.mjs', import.meta.url));
  const patches = fileURLToPath(new URL('support/patches.cjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--require', patches, program]);
  // Node 26 has no second name for writeHead. There the dry run also calls a patch of writeHead.
  const { responses, ends } = JSON.parse(stdout) as { responses: number; ends: number };
  expect([responses, ends]).toEqual([Number(process.versions.node.split('.')[0]) < 26 ? 1 : 2, 1]);
});
