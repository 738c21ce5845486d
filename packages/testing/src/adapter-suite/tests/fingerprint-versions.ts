// Requirement 3: an application can change how it compares payloads while keys are in use.
import type { HttpOptions } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import { newGate } from '../support/gate.js';
import { send } from '../support/http-client.js';

type Fingerprint = HttpOptions<never>['fingerprint'];

/** Compares the amount only. */
const amountOf =
  ({ framework }: Testbed) =>
  async (native: unknown) =>
    String(Object(await framework.parsedBody(native)).amount);

const payment = { key: 'payment-1', body: { amount: 10, note: 'a' } };
const otherNote = { key: 'payment-1', body: { amount: 10, note: 'b' } };
const otherAmount = { key: 'payment-1', body: { amount: 11, note: 'a' } };

export function fingerprintVersionsTests(suite: AdapterTests): void {
  suite.group('A fingerprint that is changed while keys are in use', (testbed) => {
    const byAmount = amountOf(testbed);
    const amountFirst: Fingerprint = [{ version: 'amount', of: byAmount }, 'default'];

    it('compares older records with their own version, and new ones with the first of the list', async () => {
      const { before, after } = await startBeforeAndAfter(testbed, undefined, amountFirst);
      const first = await send(before, payment);
      expect(await send(after, payment)).toMatchObject({ status: 201, text: first.text });
      expect(await send(after, otherNote)).toMatchObject({ status: 422 });
      expect(await send(after, { ...payment, key: 'payment-2' })).toMatchObject({ status: 201 });
      expect(await send(after, { ...otherNote, key: 'payment-2' })).toMatchObject({
        status: 201,
        headers: { 'idempotent-replayed': 'true' },
      });
      expect(await send(after, { ...otherAmount, key: 'payment-2' })).toMatchObject({ status: 422 });
    });

    it('may have been a function without a version before', async () => {
      const { before, after } = await startBeforeAndAfter(testbed, byAmount, [
        { version: '2', of: () => 'all alike' },
        byAmount,
      ]);
      const first = await send(before, payment);
      expect(await send(after, otherNote)).toMatchObject({ status: 201, text: first.text });
      expect(await send(after, otherAmount)).toMatchObject({ status: 422 });
    });

    it('is rejected where the list lacks the version of a record', async () => {
      const { before, after } = await startBeforeAndAfter(testbed, undefined, byAmount);
      await send(before, payment);
      expect(await send(after, payment)).toMatchObject({ status: 422 });
    });

    it('keeps duplicates of a running request from running too', async () => {
      const [begun, gate] = [newGate(), newGate()];
      const { before, after } = await startBeforeAndAfter(testbed, undefined, amountFirst, async () => {
        begun.open();
        await gate.opened;
      });
      const first = send(before, payment);
      await begun.opened;
      expect(await send(after, payment)).toMatchObject({ status: 409 });
      gate.open();
      expect(await first).toMatchObject({ status: 201 });
    });

    it('lets the retry of a failed request run again, compared with the version of its record', async () => {
      let runs = 0;
      const handler = () => {
        runs += 1;
        return { status: runs === 1 ? 500 : 201, body: { runs } };
      };
      const { store } = await testbed.openStore();
      const before = await testbed.start({ store, handler });
      const after = await testbed.start({ store, handler, options: { fingerprint: amountFirst } });
      expect(await send(before.port, payment)).toMatchObject({ status: 500 });
      expect(await send(after.port, otherNote)).toMatchObject({ status: 422 });
      expect(await send(after.port, payment)).toMatchObject({ status: 201 });
      expect(runs).toBe(2);
    });
  });
}

/** Starts the application on one store with the option before and after its change. */
async function startBeforeAndAfter(
  testbed: Testbed,
  oldFingerprint: Fingerprint,
  newFingerprint: Fingerprint,
  work: () => Promise<void> = async () => {},
) {
  const { store } = await testbed.openStore();
  let runs = 0;
  const handler = async () => {
    runs += 1;
    await work();
    return { status: 201, body: { runs } };
  };
  const [before, after] = [
    await testbed.start({
      store,
      handler,
      options: oldFingerprint === undefined ? {} : { fingerprint: oldFingerprint },
    }),
    await testbed.start({ store, handler, options: { fingerprint: newFingerprint } }),
  ];
  return { before: before.port, after: after.port };
}
