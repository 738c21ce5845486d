// A process is killed during a step: what the retry repeats, and what its client gets.
import { randomUUID } from 'node:crypto';
import { type Doubt, deriveKeyFromRecordName, resolveDoubt } from '@onceguard/core';
import { encodeRecoveredResponse } from '@onceguard/core/http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Framework, Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { expectReplay } from '../../packages/testing/src/adapter-suite/support/expect-replay.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { allDoubts } from '../../packages/testing/src/adapter-suite/support/list-all-doubts.js';
import { type StepsServer, startStepsServer, stopInStepHeader } from './16-steps-server-process.js';
import { onEveryFramework } from './framework-matrix.js';
import { frameworks } from './loaded-frameworks.js';
import { type OpenedStore, openRedisStore } from './store-kinds.js';

/** Processes that load several frameworks start slowly on a busy machine. */
const startMs = 180_000;

/** Retries wait until the lease of the dead owner has expired. */
const waiting: Options = { leaseMs: 5_000, onInProgress: { waitMs: 30_000 } };
const kinds = {
  rerun: waiting,
  block: { ...waiting, onAbandoned: 'block' },
} as const satisfies Record<string, Options>;
type Kind = keyof typeof kinds;
/** `charge` may run again, under its key; `mail` may not. */
type Step = 'charge' | 'mail';

const prefix = `test:${randomUUID()}:`;
let records: OpenedStore;
let killed: StepsServer;
/** The server that gets the retries. */
let retryServer: StepsServer;

/** One kill for all tests: it interrupts a handler of every framework and kind in either step. */
beforeAll(async () => {
  const apps = Object.values<Options>(kinds).flatMap((options) =>
    frameworks.map(({ name: framework }) => ({ framework, options })),
  );
  const start = async () => await startStepsServer({ prefix, apps });
  [killed, retryServer, records] = await Promise.all([start(), start(), openRedisStore(prefix)]);
  const begun = frameworks.flatMap((framework) =>
    (['rerun', 'block'] as const).flatMap((kind) =>
      (['charge', 'mail'] as const).map(async (step) => {
        const headers = { [stopInStepHeader]: step };
        send(portOf(killed, framework, kind), { key: keyOf(framework, kind, step), headers }).catch(() => {});
        await killed.untilActed(keyOf(framework, kind, step), step);
      }),
    ),
  );
  await Promise.all(begun);
  await killed.kill();
}, startMs);

afterAll(async () => {
  await Promise.all([retryServer.kill(), records.close()]);
});

onEveryFramework(
  'The process dies during a step',
  ({ framework }) => {
    it('that honours its key: the retry resumes there with the same key, and its response is replayed', async () => {
      const { request, retry, acts } = retrying(framework, 'rerun', 'charge');
      const response = await retry();
      expect(response.json()).toEqual({
        reserved: 'reserve by attempt 1',
        charged: 'charge by attempt 2',
        mailed: 'mail by attempt 2',
        shipped: 'ship by attempt 2',
      });
      expectReplay(await retry(), response);
      expect(acts()).toEqual(['reserve 1', 'charge 1', 'charge 2', 'mail 2', 'ship 2']);
      const charges = [...killed.acts(request), ...retryServer.acts(request)].filter(({ step }) => step === 'charge');
      expect(new Set(charges.map(({ key }) => key)).size).toBe(1);
    });

    it('that may run at most once: it is not repeated, and the outcome is unknown until somebody decides', async () => {
      const { request, retry, acts } = retrying(framework, 'rerun', 'mail');
      expect((await retry()).json()).toMatchObject(unknown);
      expect((await retry()).json()).toMatchObject(unknown);
      expect(acts()).toEqual(['reserve 1', 'charge 1', 'mail 1']);

      const doubt = await doubtAbout(request, 'mail');
      expect(doubt).toMatchObject({ state: 'unknown', attempt: 2, recordedSteps: ['reserve', 'charge'] });
      await resolveDoubt(records.store, doubt.recordName, { as: 'not_done', by: 'Ada', reason: 'the mailer was down' });
      const response = { charged: 'charge by attempt 1', mailed: 'mail by attempt 3', shipped: 'ship by attempt 3' };
      expect((await retry()).json()).toMatchObject(response);
      expect(acts()).toEqual(['reserve 1', 'charge 1', 'mail 1', 'mail 3', 'ship 3']);
    });

    it.each(['charge', 'mail'] as const)(
      'of guarded work, %s: nothing runs again, and every retry gets what recovery finds',
      async (step) => {
        const { request, retry, acts } = retrying(framework, 'block', step);
        expect((await retry()).json()).toMatchObject(unknown);
        expect(acts().at(-1)).toBe(`${step} 1`);

        const doubt = await doubtAbout(request, step);
        expect(doubt.state).toBe('abandoned');
        const outcome = encodeRecoveredResponse({
          status: 201,
          headers: { 'Content-Type': 'text/plain' },
          body: 'paid by hand',
        });
        await resolveDoubt(records.store, doubt.recordName, {
          as: 'done',
          outcome,
          by: 'Ada',
          reason: 'the bank has it',
        });
        for (const response of [await retry(), await retry()]) {
          expect(response).toMatchObject({
            status: 201,
            text: 'paid by hand',
            headers: { 'content-type': 'text/plain' },
          });
          expect(response.headers['idempotent-replayed']).toBe('true');
        }
        expect(acts().at(-1)).toBe(`${step} 1`);
      },
    );
  },
  // The test client speaks only HTTP/1 to other processes.
  { store: 'Redis', transport: 'HTTP/1' },
);

const unknown = { status: 409, code: 'outcome_unknown', retryable: false, completed: 'unknown' };

function keyOf({ name }: Framework, kind: Kind, step: Step): string {
  return `${name}-${kind}-${step}`.replaceAll(' ', '');
}

function portOf({ ports }: StepsServer, framework: Framework, kind: Kind): number {
  const at = Object.keys(kinds).indexOf(kind) * frameworks.length + frameworks.indexOf(framework);
  return ports[at] ?? 0;
}

/** A request whose first attempt died in this step. */
function retrying(framework: Framework, kind: Kind, step: Step) {
  const request = keyOf(framework, kind, step);
  const acts = () => [killed, retryServer].flatMap((server) => server.acts(request));
  return {
    request,
    retry: async () => await send(portOf(retryServer, framework, kind), { key: request }),
    /** The steps that reached the other systems. */
    acts: () => acts().map(({ step: name, attempt }) => `${name} ${attempt}`),
  };
}

/** The doubt about the record for which this step got its key. */
async function doubtAbout(request: string, step: Step): Promise<Doubt> {
  const key = killed.acts(request).find((act) => act.step === step)?.key;
  const doubt = (await allDoubts(records.store)).find(
    ({ recordName }) => deriveKeyFromRecordName(recordName, step) === key,
  );
  if (doubt === undefined) throw new Error(`Nobody is in doubt about ${request}.`);
  return doubt;
}
