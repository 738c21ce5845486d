// The scenes: each sends real requests, and returns what it saw and whether that is right.
import { randomUUID } from 'node:crypto';
import type { Bank } from './bank.js';
import { type PaymentResponse, pay } from './client.js';

export interface SceneContext {
  readonly url: string;
  readonly transfersUrl: string;
  readonly bank: Bank;
}

export interface SceneResult {
  readonly responses: readonly { readonly who: string; readonly response: PaymentResponse | string }[];
  /** What must hold for the responses. The number of charges is checked for every scene. */
  readonly isAsExpected: boolean;
}

export interface Scene {
  readonly title: string;
  /** What happens, in one plain sentence. */
  readonly description: string;
  readonly charges: number;
  run(context: SceneContext): Promise<SceneResult>;
}

const firstKey = randomUUID();

export const scenes: readonly Scene[] = [
  {
    title: 'A payment',
    description: 'A shop pays 20, and sends a key with the request.',
    charges: 1,
    async run({ url }) {
      const response = await pay(url, { key: firstKey, amount: 20 });
      return {
        responses: [{ who: 'the request', response }],
        isAsExpected: response.status === 201 && !response.replayed,
      };
    },
  },
  {
    title: 'The same again',
    description: 'The shop never saw the answer, so it sends the very same request once more.',
    charges: 0,
    async run({ url }) {
      const response = await pay(url, { key: firstKey, amount: 20 });
      return {
        responses: [{ who: 'the repeat', response }],
        isAsExpected: response.status === 201 && response.replayed,
      };
    },
  },
  {
    title: 'Fifty at once',
    description: 'A broken loop sends one payment fifty times at the same moment.',
    charges: 1,
    async run({ url, bank }) {
      bank.setDelay(200);
      const key = randomUUID();
      const all = await Promise.all(Array.from({ length: 50 }, async () => await pay(url, { key, amount: 35 })));
      bank.setDelay(0);
      const [first] = all;
      const same = all.every(({ status, text }) => status === 201 && text === first?.text);
      return { responses: first ? [{ who: 'each of the fifty', response: first }] : [], isAsExpected: same };
    },
  },
  {
    title: 'The key with another amount',
    description: 'The shop by mistake sends the key of the first payment with 99 instead of 20.',
    charges: 0,
    async run({ url }) {
      const response = await pay(url, { key: firstKey, amount: 99 });
      return { responses: [{ who: 'the request', response }], isAsExpected: response.status === 422 };
    },
  },
  {
    title: 'A failure, and another try',
    description: 'The bank refuses for a moment, so the payment fails; the shop sends the same request again.',
    charges: 1,
    async run({ url, bank }) {
      const key = randomUUID();
      bank.refuseNext();
      const failed = await pay(url, { key, amount: 12 });
      const retried = await pay(url, { key, amount: 12 });
      const responses = [
        { who: 'the first try', response: failed },
        { who: 'the second try', response: retried },
      ];
      return { responses, isAsExpected: failed.status === 502 && retried.status === 201 && !retried.replayed };
    },
  },
  {
    title: 'A client that hangs up',
    description: 'The connection breaks after the card was charged and before the answer; the shop asks again.',
    charges: 1,
    async run({ url, bank }) {
      const key = randomUUID();
      const hangUp = new AbortController();
      bank.setDelay(200);
      const charged = bank.nextCharge();
      const first = pay(url, { key, amount: 8, signal: hangUp.signal }).catch(() => 'the connection broke');
      await charged;
      hangUp.abort();
      const broken = await first;
      const retried = await pay(url, { key, amount: 8 });
      bank.setDelay(0);
      const responses = [
        { who: 'the first try', response: broken },
        { who: 'the second try', response: retried },
      ];
      return { responses, isAsExpected: retried.status === 201 && retried.replayed };
    },
  },
  {
    title: 'An answer that never came',
    description:
      'The bank charges for a transfer and the line breaks. Nobody knows; the shop asks again, and nothing runs.',
    charges: 1,
    async run({ transfersUrl, bank }) {
      const key = randomUUID();
      bank.hangUpNext();
      const broken = await pay(transfersUrl, { key, amount: 70 });
      const retried = await pay(transfersUrl, { key, amount: 70 });
      const responses = [
        { who: 'the first try', response: broken },
        { who: 'the second try', response: retried },
      ];
      const isUnknown = retried.status === 409 && retried.text.includes('outcome_unknown');
      return { responses, isAsExpected: broken.status === 500 && isUnknown };
    },
  },
];
