// The scenes: each sends real requests, and answers with what was seen and whether it is as it must be.
import { randomUUID } from 'node:crypto';
import type { Bank } from './bank.js';
import { type Answer, pay } from './client.js';

export interface Stage {
  readonly url: string;
  readonly bank: Bank;
}

export interface Seen {
  readonly answers: readonly { readonly who: string; readonly answer: Answer | string }[];
  /** What must be true of the answers; the number of charges is checked for every scene. */
  readonly holds: boolean;
}

export interface Scene {
  readonly title: string;
  /** What happens, in one plain sentence. */
  readonly story: string;
  readonly charges: number;
  play(stage: Stage): Promise<Seen>;
}

const firstKey = randomUUID();

export const scenes: readonly Scene[] = [
  {
    title: 'A payment',
    story: 'A shop pays 20, and sends a key with the request.',
    charges: 1,
    async play({ url }) {
      const answer = await pay(url, { key: firstKey, amount: 20 });
      return { answers: [{ who: 'the request', answer }], holds: answer.status === 201 && !answer.replayed };
    },
  },
  {
    title: 'The same again',
    story: 'The shop never saw the answer, so it sends the very same request once more.',
    charges: 0,
    async play({ url }) {
      const answer = await pay(url, { key: firstKey, amount: 20 });
      return { answers: [{ who: 'the repeat', answer }], holds: answer.status === 201 && answer.replayed };
    },
  },
  {
    title: 'Fifty at once',
    story: 'A broken loop sends one payment fifty times at the same moment.',
    charges: 1,
    async play({ url, bank }) {
      bank.setDelay(200);
      const key = randomUUID();
      const all = await Promise.all(Array.from({ length: 50 }, async () => await pay(url, { key, amount: 35 })));
      bank.setDelay(0);
      const [first] = all;
      const same = all.every(({ status, text }) => status === 201 && text === first?.text);
      return { answers: first ? [{ who: 'each of the fifty', answer: first }] : [], holds: same };
    },
  },
  {
    title: 'The key with another amount',
    story: 'The shop by mistake sends the key of the first payment with 99 instead of 20.',
    charges: 0,
    async play({ url }) {
      const answer = await pay(url, { key: firstKey, amount: 99 });
      return { answers: [{ who: 'the request', answer }], holds: answer.status === 422 };
    },
  },
  {
    title: 'A failure, and another try',
    story: 'The bank refuses for a moment, so the payment fails; the shop sends the same request again.',
    charges: 1,
    async play({ url, bank }) {
      const key = randomUUID();
      bank.refuseNext();
      const failed = await pay(url, { key, amount: 12 });
      const retried = await pay(url, { key, amount: 12 });
      const answers = [
        { who: 'the first try', answer: failed },
        { who: 'the second try', answer: retried },
      ];
      return { answers, holds: failed.status === 502 && retried.status === 201 && !retried.replayed };
    },
  },
  {
    title: 'A client that hangs up',
    story: 'The connection breaks after the card was charged and before the answer; the shop asks again.',
    charges: 1,
    async play({ url, bank }) {
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
      const answers = [
        { who: 'the first try', answer: broken },
        { who: 'the second try', answer: retried },
      ];
      return { answers, holds: retried.status === 201 && retried.replayed };
    },
  },
];
