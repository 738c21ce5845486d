// Requirement 3: one key names one payload.
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { AppSpec } from '../framework.js';
import { newGate } from '../support/gate.js';
import { type RequestToSend, send } from '../support/http-client.js';

type Pair = readonly [title: string, first: RequestToSend, second: RequestToSend];

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
const bytes = 'application/octet-stream';

function typed(type: string, body: string | Uint8Array): RequestToSend {
  return { body, headers: { 'content-type': type } };
}

const otherPayloads: readonly Pair[] = [
  ['a changed value', typed(json, '{"amount":10}'), typed(json, '{"amount":11}')],
  ['a changed value within', typed(json, '{"a":[{"b":1}]}'), typed(json, '{"a":[{"b":2}]}')],
  ['a changed type of a value', typed(json, '{"amount":10}'), typed(json, '{"amount":"10"}')],
  ['a member more', typed(json, '{"amount":10}'), typed(json, '{"amount":10,"tip":null}')],
  ['another order in an array', typed(json, '{"ids":[1,2]}'), typed(json, '{"ids":[2,1]}')],
  ['an empty body instead', typed(json, '{"amount":10}'), { method: 'POST' }],
  ['a changed query', { path: '/pay?currency=EUR' }, { path: '/pay?currency=USD' }],
  ['a query more', { path: '/pay' }, { path: '/pay?dry=1' }],
  ['another media type', typed(json, '{"amount":10}'), typed('text/plain', '{"amount":10}')],
  ['a changed field of a form', typed(form, 'amount=10&to=a'), typed(form, 'amount=10&to=b')],
  ['a field more in a form', typed(form, 'to=a'), typed(form, 'to=a&to=b')],
  ['a changed text', typed('text/plain', 'ten'), typed('text/plain', 'eleven')],
  ['other bytes', typed(bytes, Buffer.of(0, 255)), typed(bytes, Buffer.of(0, 254))],
  ['bytes that are the same text', typed(bytes, Buffer.of(0xff)), typed(bytes, Buffer.of(0xfe))],
];

const samePayloads: readonly Pair[] = [
  ['another order of members', typed(json, '{"a":1,"b":{"c":2,"d":3}}'), typed(json, '{"b":{"d":3,"c":2},"a":1}')],
  ['other whitespace', typed(json, '{"a":[1,2]}'), typed(json, ' {\n\t"a" : [ 1 , 2 ]\r\n} ')],
  ['other escapes', typed(json, '{"name":"Zoë"}'), typed(json, '{"name":"Zo\\u00eb"}')],
  ['a charset', typed(json, '{"a":1}'), typed(`${json}; charset=utf-8`, '{"a":1}')],
  ['the media type in capitals', typed(json, '{"a":1}'), typed('Application/JSON', '{"a":1}')],
  [
    'chunked coding',
    typed(json, '{"a":1}'),
    { body: '{"a":1}', headers: { 'content-type': json, 'transfer-encoding': 'chunked' } },
  ],
  ['the same form', typed(form, 'amount=10&to=Zoë'), typed(form, 'amount=10&to=Zo%C3%AB')],
  ['the same text', typed('text/plain', 'ten'), typed('text/plain', 'ten')],
  ['the same bytes', typed(bytes, Buffer.of(0, 255)), typed(bytes, Buffer.of(0, 255))],
  ['no body', { method: 'POST' }, { method: 'POST' }],
];

export function keyReusedTests(suite: AdapterTests): void {
  suite.group('The same key', (testbed) => {
    // HTTP/2 has no chunked coding, and the usual parsers do not read a body without a length.
    const same = samePayloads.filter(
      ([title]) => testbed.framework.transport === 'HTTP/1' || title !== 'chunked coding',
    );

    const parsers = testbed.has('keptSource') ? (['json', 'source kept'] as const) : (['json'] as const);
    for (const parser of parsers) {
      const kept = parser === 'source kept' ? ', the source kept' : '';

      it.each(otherPayloads)(
        `with another payload is rejected as key_reused: %s${kept}`,
        async (_title, first, second) => {
          const { port, runs } = await startCounting(testbed, { parser });
          expect(await send(port, { ...first, key: 'payment-1' })).toMatchObject({ status: 201 });
          const refused = await send(port, { ...second, key: 'payment-1' });
          expect(refused.json()).toMatchObject({ status: 422, code: 'key_reused', retryable: false });
          expect(refused.status).toBe(422);
          expect(runs()).toBe(1);
        },
      );

      it.each(same)(`with the same payload is replayed: %s${kept}`, async (_title, first, second) => {
        const { port, runs } = await startCounting(testbed, { parser });
        expect(await send(port, { ...first, key: 'payment-1' })).toMatchObject({ status: 201, text: '{"run":1}' });
        const replay = await send(port, { ...second, key: 'payment-1' });
        expect(replay).toMatchObject({ status: 201, text: '{"run":1}', headers: { 'idempotent-replayed': 'true' } });
        expect(runs()).toBe(1);
      });
    }

    it('with another payload is rejected as key_reused also while the first request runs, without waiting for it', async () => {
      const [began, gate] = [newGate(), newGate()];
      const { port, runs } = await startCounting(testbed, {
        options: { onInProgress: { waitMs: 30_000 } },
        during: async () => {
          began.open();
          await gate.opened;
        },
      });
      const first = send(port, { key: 'payment-1' });
      await began.opened;
      const refused = await send(port, { key: 'payment-1', body: { amount: 11 } });
      expect([refused.status, refused.json().code]).toEqual([422, 'key_reused']);
      gate.open();
      expect((await first).status).toBe(201);
      expect(runs()).toBe(1);
    });

    it('with another payload is rejected as key_reused also after the first has failed, and the key is free for the first', async () => {
      let failures = 1;
      const { port, runs } = await startCounting(testbed, {
        during: async () => {
          failures -= 1;
          if (failures === 0) throw new Error('It failed.');
        },
      });
      expect(await send(port, { key: 'payment-1' })).toMatchObject({ status: 500 });
      expect(await send(port, { key: 'payment-1', body: { amount: 11 } })).toMatchObject({ status: 422 });
      expect(await send(port, { key: 'payment-1' })).toMatchObject({ status: 201, text: '{"run":2}' });
      expect(runs()).toBe(2);
    });

    it('with another payload is rejected again and again, and the first response stays on record', async () => {
      const { port } = await startCounting(testbed, {});
      await send(port, { key: 'payment-1' });
      await send(port, { key: 'payment-1', body: { amount: 11 } });
      expect(await send(port, { key: 'payment-1', body: { amount: 11 } })).toMatchObject({ status: 422 });
      expect(await send(port, { key: 'payment-1' })).toMatchObject({ status: 201, text: '{"run":1}' });
    });

    it.runIf(testbed.has('keptSource'))(
      'distinguishes 9007199254740993 from 9007199254740992 where the source is kept',
      async () => {
        const { port, runs } = await startCounting(testbed, { parser: 'source kept' });
        await send(port, { ...typed(json, '{"amount":9007199254740993}'), key: 'payment-1' });
        const refused = await send(port, { ...typed(json, '{"amount":9007199254740992}'), key: 'payment-1' });
        expect([refused.status, refused.json().code]).toEqual([422, 'key_reused']);
        expect(runs()).toBe(1);
      },
    );

    it('compares what the option fingerprint returns, and nothing where it is false', async () => {
      const amountOf = async (native: unknown) => String(Object(await testbed.framework.parsedBody(native)).amount);
      const app = await startCounting(testbed, { options: { fingerprint: amountOf } });
      await send(app.port, { key: 'payment-1', body: { amount: 10, sentAt: 1 } });
      const again = await send(app.port, { key: 'payment-1', body: { amount: 10, sentAt: 2 } });
      const changed = await send(app.port, { key: 'payment-1', body: { amount: 11, sentAt: 1 } });
      expect([again.status, changed.status]).toEqual([201, 422]);

      const blind = await startCounting(testbed, { options: { fingerprint: false } });
      await send(blind.port, { key: 'payment-1' });
      expect(await send(blind.port, { key: 'payment-1', body: { amount: 11 } })).toMatchObject({ text: '{"run":1}' });
    });
  });
}

async function startCounting(
  testbed: Testbed,
  { during, ...spec }: Pick<AppSpec, 'parser' | 'options'> & { during?: () => Promise<void> },
): Promise<{ port: number; runs: () => number }> {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handler = async () => {
    runs += 1;
    await during?.();
    return { status: 201, body: { run: runs } };
  };
  const { port } = await testbed.start({ store, handler, ...spec });
  return { port, runs: () => runs };
}
