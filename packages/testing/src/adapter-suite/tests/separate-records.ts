// Requirement 4: what separates two records of one key.
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { AppSpec, Options } from '../framework.js';
import { newGate } from '../support/gate.js';
import { type ReceivedResponse, type RequestToSend, send } from '../support/http-client.js';

type Pair = readonly [title: string, first: RequestToSend, second: RequestToSend];

const methods = ['POST', 'PATCH', 'PUT', 'DELETE'];
const byUser = (testbed: Testbed): Options => ({ scope: userOf(testbed), methods });

const separate: readonly Pair[] = [
  ['path', { path: '/payments' }, { path: '/refunds' }],
  ['path, by what is below', { path: '/payments' }, { path: '/payments/7' }],
  ['spelling of the path', { path: '/payments' }, { path: '/payments/' }],
  ['method', { method: 'POST', path: '/pay' }, { method: 'PUT', path: '/pay' }],
  ['user', by('alice'), by('bob')],
  ['user and the payload', by('alice'), { ...by('bob'), body: { amount: 99 } }],
  [
    'user and the key, which read the same together',
    { ...by('alice'), key: '1-key' },
    { ...by('alice1'), key: '-key' },
  ],
  ['key, with the same body', { key: 'payment-1' }, { key: 'payment-2' }],
  ['case of the key', { key: 'payment-a' }, { key: 'payment-A' }],
];

export function separateRecordsTests(suite: AdapterTests): void {
  suite.group('Two requests are executed separately, each with its own replay,', (testbed) => {
    it.each(separate)('where they differ in the %s', async (_title, first, second) => {
      const { port, runs } = await startCounting(testbed, { options: byUser(testbed) });
      const post = async (sent: RequestToSend) => await send(port, { key: 'k', ...by('alice'), ...sent });
      const [firstResponse, secondResponse] = [await post(first), await post(second)];
      expect([firstResponse.text, secondResponse.text]).toEqual(['{"run":1}', '{"run":2}']);
      expect([firstResponse, secondResponse].map(({ status }) => status)).toEqual([201, 201]);
      expectReplayOf(firstResponse, await post(first));
      expectReplayOf(secondResponse, await post(second));
      expect(runs()).toBe(2);
    });

    it('where one has the scope "public" and the other a scope function that returns "public"', async () => {
      const { store } = await testbed.openStore();
      const shared = await startCounting(testbed, { options: { scope: 'public' } }, store);
      const own = await startCounting(testbed, { options: { scope: () => 'public' } }, store);
      await send(shared.port, { key: 'k' });
      expect((await send(own.port, { key: 'k' })).headers['idempotent-replayed']).toBeUndefined();
      expect([shared.runs(), own.runs()]).toEqual([1, 1]);
    });
  });

  suite.group("User B never gets user A's response", (testbed) => {
    it('while it is being made: B is neither rejected nor made to wait', async () => {
      const [began, gate] = [newGate(), newGate()];
      const hold = async (user: string) => {
        if (user !== 'alice') return;
        began.open();
        await gate.opened;
      };
      const { port } = await startCounting(testbed, { options: byUser(testbed) }, undefined, hold);
      const alice = send(port, { key: 'k', ...by('alice') });
      await began.opened;
      const bob = await send(port, { key: 'k', ...by('bob') });
      expect([bob.status, bob.headers['idempotent-replayed']]).toEqual([201, undefined]);
      gate.open();
      expect((await alice).text).not.toBe(bob.text);
    });

    it('when it is on record, and learns nothing of the record: neither by another payload nor by a missing body', async () => {
      const { port } = await startCounting(testbed, { options: byUser(testbed) });
      const alice = await send(port, { key: 'k', ...by('alice'), body: { iban: 'of alice' } });
      for (const [user, body] of Object.entries({ bob: { iban: 'of bob' }, carol: { iban: 'of alice' }, dave: '' })) {
        const response = await send(port, { key: 'k', ...by(user), body });
        expect([response.status, response.headers['idempotent-replayed']]).toEqual([201, undefined]);
        expect(response.text).not.toBe(alice.text);
      }
    });

    if (!testbed.has('errorHandler')) return;
    it('and gets no default where the scope is missing: the error handler gets scope_missing, and nothing runs', async () => {
      const handled: unknown[] = [];
      const { port, runs } = await startCounting(testbed, { options: byUser(testbed), handled });
      expect(await send(port, { key: 'k' })).toMatchObject({ status: 500, text: 'handled' });
      expect(handled).toEqual([expect.objectContaining({ code: 'scope_missing' })]);
      expect(runs()).toBe(0);
    });
  });

  suite.group('A retry', (testbed) => {
    it('after the token was refreshed gets the recorded response, with the user id as scope', async () => {
      const users = new Map([
        ['Bearer token-1', 'alice'],
        ['Bearer token-2', 'alice'],
      ]);
      const scope = async (native: unknown) => users.get(testbed.framework.header(native, 'authorization') ?? '') ?? '';
      const { port, runs } = await startCounting(testbed, { options: { scope } });
      const first = await send(port, { key: 'k', headers: { Authorization: 'Bearer token-1' } });
      expectReplayOf(first, await send(port, { key: 'k', headers: { Authorization: 'Bearer token-2' } }));
      expect(runs()).toBe(1);
    });
  });
}

function by(user: string): RequestToSend {
  return { body: { amount: 10 }, headers: { 'x-user': user } };
}

function userOf({ framework }: Testbed) {
  return (native: unknown): string => framework.header(native, 'x-user') ?? '';
}

function expectReplayOf(first: ReceivedResponse, replay: ReceivedResponse): void {
  expect(replay.headers['idempotent-replayed']).toBe('true');
  expect([replay.status, replay.text]).toEqual([first.status, first.text]);
}

async function startCounting(
  testbed: Testbed,
  spec: Pick<AppSpec, 'options' | 'handled'>,
  store?: AppSpec['store'],
  hold: (user: string) => Promise<void> = async () => {},
): Promise<{ port: number; runs: () => number }> {
  let runs = 0;
  const handler: AppSpec['handler'] = async ({ native }) => {
    runs += 1;
    const run = runs;
    await hold(userOf(testbed)(native));
    return { status: 201, body: { run } };
  };
  const { port } = await testbed.start({ store: store ?? (await testbed.openStore()).store, handler, ...spec });
  return { port, runs: () => runs };
}
