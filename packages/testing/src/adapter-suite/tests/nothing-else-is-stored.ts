// Requirement 15: nothing of a request is stored except what an option asks for.
import { inspect } from 'node:util';
import type { IdempotencyStore } from '@onceguard/core';
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { OpenedStore } from '../stores.js';
import { send } from '../support/http-client.js';

/** Where a secret is put, and the text that must not appear in the store. */
const secrets = {
  authorization: 'Bearer-token-of-alice',
  'cookie of the request': 'session-cookie-of-alice',
  'cookie of the response': 'set-cookie-for-alice',
  'body of the request': 'card-4111-1111-1111-1111',
  'idempotency key': 'the-clients-own-key',
  scope: 'user-alice-17',
  'query of the request': 'query-with-a-secret',
};

export function nothingElseIsStoredTests(suite: AdapterTests): void {
  suite.group(
    'Of a request, and of cookies in either direction, nothing is stored',
    (testbed) => {
      it('nor of requests that run, failed, were rejected or have an unknown outcome', async () => {
        const opened = await testbed.openStore();
        const dumps: string[] = [];
        const { port } = await testbed.start({
          store: opened.store,
          options: { scope: () => secrets.scope, onFailure: 'unknown' },
          handler: async ({ req }) => {
            dumps.push(await everythingIn(opened));
            const fails = req.headers['x-fails'] !== undefined;
            return {
              status: fails ? 500 : 201,
              headers: { 'Set-Cookie': `s=${secrets['cookie of the response']}` },
              body: 'kept',
            };
          },
        });

        const done = await send(port, request(secrets['idempotency key']));
        const replayed = await send(port, request(secrets['idempotency key']));
        const failed = await send(port, request(`${secrets['idempotency key']}-2`, { 'x-fails': 'yes' }));
        const unknown = await send(port, request(`${secrets['idempotency key']}-2`, { 'x-fails': 'yes' }));
        expect([done.status, replayed.status, failed.status, unknown.status]).toEqual([201, 201, 500, 409]);

        dumps.push(await everythingIn(opened));
        expect(dumps).toHaveLength(3);
        for (const dump of dumps) {
          const leaked = Object.entries(secrets).filter(([, secret]) => dump.includes(secret));
          expect(leaked).toEqual([]);
        }
        expect(dumps.at(-1)).toContain('kept');
        expect(dumps.at(-1)?.toLowerCase()).not.toContain('cookie');
      });
    },
    { on: 'each' },
  );
}

function request(key: string, headers: Record<string, string> = {}) {
  return {
    key,
    path: `/pay?q=${secrets['query of the request']}`,
    headers: { authorization: secrets.authorization, cookie: `s=${secrets['cookie of the request']}`, ...headers },
    body: { card: secrets['body of the request'] },
  };
}

/** All keys, fields and bytes. An external store is read directly, not through the port. */
async function everythingIn({ store, dump }: OpenedStore): Promise<string> {
  return dump === undefined ? await throughScan(store) : await dump();
}

async function throughScan(store: IdempotencyStore): Promise<string> {
  const { records } = await store.scan({ cursor: null, limit: 1_000 });
  const outcomes = records.map(({ record }) => Buffer.from(record.outcome ?? []).toString('latin1'));
  return inspect(records, { depth: null, maxStringLength: null }) + outcomes.join();
}
