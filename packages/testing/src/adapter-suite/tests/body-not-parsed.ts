// Requirement 3: a body that no parser read cannot be compared, so the request is rejected.
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { AppSpec } from '../framework.js';
import { type RequestToSend, send } from '../support/http-client.js';

const chunked = { 'transfer-encoding': 'chunked' };
const bodies: Record<string, RequestToSend> = {
  JSON: typed('application/json', '{"amount":10}'),
  'chunked JSON': typed('application/json', '{"amount":10}', chunked),
  'a form': typed('application/x-www-form-urlencoded', 'amount=10'),
  text: typed('text/plain', 'ten'),
  XML: typed('application/xml', '<amount>10</amount>'),
  'chunked XML': typed('application/xml', '<amount>10</amount>', chunked),
  bytes: typed('application/octet-stream', Buffer.of(1, 2)),
  'bytes without a media type': { method: 'POST', body: Buffer.of(1, 2) },
  multipart: multipart('a', '10'),
  'chunked multipart': { ...multipart('a', '10'), headers: { ...multipart('a', '10').headers, ...chunked } },
};
/** Media types that the usual parsers do not read. */
const unusual = ['XML', 'chunked XML', 'multipart', 'chunked multipart', 'bytes without a media type'];

export function bodyNotParsedTests(suite: AdapterTests): void {
  suite.group(
    'A body that no parser read is body_not_parsed for the error handler, and nothing runs or is stored:',
    (testbed) => {
      it.each(Object.keys(bodies))('%s, without any parser', async (name) => {
        await expectNotParsed(testbed, { parser: 'none' }, name);
      });

      if (!testbed.has('multipart')) return;
      it('multipart, behind multer: its boundary differs in every request', async () => {
        await expectNotParsed(testbed, { parser: 'multipart' }, 'multipart');
      });
    },
    { needs: ['unparsedBodies', 'errorHandler'] },
  );

  suite.group(
    'A body of a media type that no parser of the application reads gets 415, and nothing runs or is stored:',
    (testbed) => {
      it.each(unusual)('%s', async (name) => {
        const handled: unknown[] = [];
        const { refused, expectNothing } = await sendBody(testbed, { parser: 'json', handled }, name);
        expect(refused.status).toBe(415);
        expect(refused.json()).toMatchObject({ status: 415, code: 'body_type_unsupported', retryable: false });
        expect(handled).toEqual([]);
        await expectNothing();
      });
    },
    { needs: ['unparsedBodies', 'unsupportedTypes', 'errorHandler'] },
  );

  suite.group('A multipart body', multipartTests, { needs: ['multipart'] });

  suite.group('A request without a key', (testbed) => {
    it.each(Object.keys(bodies))('runs although no parser read its body: %s', async (name) => {
      const { store } = await testbed.openStore();
      const { port } = await testbed.start({ store, parser: 'none', handler: () => ({ status: 201, body: 'ran' }) });
      expect(await send(port, bodies[name])).toMatchObject({ status: 201, text: 'ran' });
    });
  });
}

function multipartTests(testbed: Testbed): void {
  it('can be used behind multer with a fingerprint of its fields', async () => {
    const { store } = await testbed.openStore();
    const fieldsOf = async (native: unknown) => JSON.stringify(await testbed.framework.parsedBody(native));
    const { port } = await testbed.start({
      store,
      parser: 'multipart',
      options: { fingerprint: fieldsOf },
      handler: ({ context }) => ({ status: 201, body: { attempt: context?.attempt } }),
    });
    expect(await send(port, { ...multipart('boundary-1', '10'), key: 'payment-1' })).toMatchObject({ status: 201 });
    const again = await send(port, { ...multipart('boundary-2', '10'), key: 'payment-1' });
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
    expect(await send(port, { ...multipart('boundary-3', '11'), key: 'payment-1' })).toMatchObject({ status: 422 });
  });
}

async function expectNotParsed(testbed: Testbed, spec: Pick<AppSpec, 'parser'>, name: string): Promise<void> {
  const handled: unknown[] = [];
  const { refused, expectNothing } = await sendBody(testbed, { ...spec, handled }, name);
  expect([refused.status, refused.text]).toEqual([500, 'handled']);
  const message = expect.stringMatching(/[Mm]ount .*parser|option `fingerprint`/);
  expect(handled).toEqual([expect.objectContaining({ code: 'body_not_parsed', message })]);
  await expectNothing();
}

async function sendBody(testbed: Testbed, spec: Pick<AppSpec, 'parser' | 'handled'>, name: string) {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handler = () => {
    runs += 1;
    return { status: 201 };
  };
  const { port } = await testbed.start({ store, handler, ...spec });
  const refused = await send(port, { ...bodies[name], key: 'payment-1' });
  const expectNothing = async () => {
    expect(runs).toBe(0);
    expect((await store.scan({ cursor: null, limit: 10 })).records).toEqual([]);
  };
  return { refused, expectNothing };
}

function typed(type: string, body: string | Uint8Array, headers: Record<string, string> = {}): RequestToSend {
  return { method: 'POST', body, headers: { 'content-type': type, ...headers } };
}

function multipart(boundary: string, amount: string): RequestToSend {
  const lines = [`--${boundary}`, 'Content-Disposition: form-data; name="amount"', '', amount, `--${boundary}--`, ''];
  return typed(`multipart/form-data; boundary=${boundary}`, lines.join('\r\n'));
}
