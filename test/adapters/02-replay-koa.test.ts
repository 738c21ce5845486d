// Requirement 2: responses given with Koa's own methods are replayed unchanged.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Context } from 'koa';
import { itReplays } from '../../packages/testing/src/adapter-suite/support/it-replays.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { isKoa } from './registrations/koa.js';

type Form = (ctx: Context) => void;

const file = fileURLToPath(import.meta.url);
const bodies: Record<string, unknown> = {
  'a string': 'hé',
  'a string of HTML': '<p>hé</p>',
  'an empty string': '',
  'a Buffer': Buffer.from([0, 255, 128, 10]),
  'an empty Buffer': Buffer.alloc(0),
  'an object': { id: 7, name: 'Zoë', nested: [null, true] },
  'an array': [1, 2],
  'a number': 7,
  null: null,
  undefined: undefined,
};

const forms: Record<string, Form> = {
  'ctx.body = a stream': (ctx) => {
    ctx.body = Readable.from(['a', 'b', 'c']);
  },
  'ctx.body = an empty stream': (ctx) => {
    ctx.body = Readable.from([]);
  },
  'ctx.body = a file': (ctx) => {
    ctx.type = 'text';
    ctx.body = createReadStream(file);
  },
  'ctx.body = a stream, replaced by a string': (ctx) => {
    ctx.body = Readable.from(['a']);
    ctx.body = 'b';
  },
  'ctx.status = 201': (ctx) => {
    ctx.status = 201;
  },
  'ctx.status = 204': (ctx) => {
    ctx.status = 204;
  },
  'ctx.status = 402 and a body': (ctx) => {
    ctx.status = 402;
    ctx.body = { declined: true };
  },
  'ctx.body = null with a status': (ctx) => {
    ctx.body = null;
    ctx.status = 202;
  },
  'ctx.message': (ctx) => {
    ctx.status = 201;
    ctx.message = 'Paid In Full';
    ctx.body = 'x';
  },
  'ctx.type': (ctx) => {
    ctx.type = 'application/vnd.receipt+json';
    ctx.body = Buffer.from('{"id":7}');
  },
  'ctx.body = a Buffer, its type removed': (ctx) => {
    ctx.body = Buffer.from('x');
    ctx.remove('Content-Type');
  },
  'ctx.append of several values': (ctx) => {
    ctx.append('Link', '<a>');
    ctx.append('Link', ['<b>', '<c>']);
    ctx.body = 'x';
  },
  'ctx.cookies.set': (ctx) => {
    ctx.cookies.set('a', '1');
    ctx.cookies.set('b', '2');
    ctx.body = 'x';
  },
  'ctx.redirect': (ctx) => {
    ctx.redirect('/receipts/7');
    ctx.status = 303;
  },
  'ctx.attachment, ctx.vary, ctx.etag': (ctx) => {
    ctx.attachment('a.csv');
    ctx.vary('Accept');
    ctx.etag = 'v1';
    ctx.body = 'a,b';
  },
};

const webResponses: Record<string, () => unknown> = {
  'a web Response': () => new Response('hé', { status: 202, headers: { 'X-A': '1', Link: '<a>' } }),
  'a web Response of JSON': () => Response.json({ id: 7 }, { status: 201 }),
  'a web Response of a stream': () => new Response(webStream()),
  'a web Response of a Blob': () => new Response(new Blob(['a', 'b'], { type: 'text/csv' })),
  'a web Response without a body': () => new Response(null, { status: 204 }),
  'a ReadableStream': () => webStream(),
  'a Blob': () => new Blob(['a', Uint8Array.of(0, 255)], { type: 'image/png' }),
};

onEveryFramework(
  'A replay has the status, reason phrase, bytes and headers of a response given with',
  (testbed) => {
    for (const [title, body] of Object.entries(bodies)) itReplaysBody(testbed, title, () => body);
    for (const [title, form] of Object.entries(forms)) {
      itReplays(testbed, title, ({ native }) => {
        form(native as Context);
        return 'native';
      });
    }
    if (testbed.framework.name !== 'Koa 3') return;
    for (const [title, make] of Object.entries(webResponses)) itReplaysBody(testbed, title, make);
  },
  { only: isKoa },
);

function itReplaysBody(testbed: Testbed, title: string, make: () => unknown): void {
  itReplays(testbed, `ctx.body = ${title}`, ({ native }) => {
    (native as Context).body = make();
    return 'native';
  });
}

function webStream(): ReadableStream {
  return new Blob(['a', 'b', 'c']).stream();
}
