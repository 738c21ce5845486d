// Must hold, 5: whatever answers a request, and when, its effect does not happen twice behind anybody's back.
import { payments } from '@onceguard/core';
import { expect, it } from 'vitest';
import { type Answer, answerAndRetry, type Moment } from './05-effects.js';
import type { Options } from './frameworks.js';
import { onEveryFramework, type World } from './matrix.js';

type Policy = 'default' | 'payments' | 'payments with classify';
type Fate = 'replayed' | 'runs' | 'unknown';

const policies: Readonly<Record<Policy, Options>> = {
  default: {},
  payments,
  'payments with classify': {
    ...payments,
    classify: ({ json }) => (Object(json()).errors === undefined ? undefined : 'unknown'),
  },
};

/** What a retry gets under each policy, as `docs/http.md` has it. */
const recorded: Readonly<Record<Policy, Fate>> = {
  default: 'replayed',
  payments: 'replayed',
  'payments with classify': 'replayed',
};
const notProcessed: typeof recorded = { default: 'runs', payments: 'runs', 'payments with classify': 'runs' };
const failed: typeof recorded = { default: 'runs', payments: 'unknown', 'payments with classify': 'unknown' };

const plain = (status: number): Answer => ({ status, body: { status } });

const answers: Readonly<Record<string, readonly [Answer | null, typeof recorded]>> = {
  '200': [plain(200), recorded],
  '200 with errors': [
    { status: 200, body: { data: null, errors: [{ message: 'It failed.' }] } },
    { ...recorded, 'payments with classify': 'unknown' },
  ],
  '302': [{ status: 302, headers: { Location: '/receipt' }, body: 'Found.' }, recorded],
  '400': [plain(400), recorded],
  '401': [plain(401), notProcessed],
  '403': [plain(403), notProcessed],
  '404 of a route': [plain(404), recorded],
  '404 of no route': [{ status: 404, body: null, unrouted: true }, notProcessed],
  '408': [plain(408), failed],
  '409 with Retry-After': [{ ...plain(409), headers: { 'Retry-After': '1' } }, failed],
  '422': [plain(422), recorded],
  '425': [plain(425), notProcessed],
  '429': [plain(429), notProcessed],
  '500': [plain(500), failed],
  '502': [plain(502), failed],
  '503': [plain(503), failed],
  '504': [plain(504), failed],
  'no answer': [null, failed],
};

/** On Redis a sample will do: what becomes of an answer is decided before any store is asked. */
const sample = ['200 with errors', '404 of no route', '408', '429', '503', 'no answer'];

const momentsOf = ({ framework }: World): readonly Moment[] =>
  framework.family === 'koa' ? ['before', 'during', 'during, hidden', 'after'] : ['before', 'during', 'after'];

/**
 * Nobody can leave a request without a route: on Express while a handler has its route, on Koa behind a layer that has ended. And on
 * Express a layer before the routes is no route.
 */
function isPossible({ framework }: World, answer: Answer | null, when: Moment): boolean {
  if (answer?.status !== 404) return true;
  if (!answer.unrouted) return when !== 'before' || framework.family === 'koa';
  return when === 'before' || (when === 'during' && framework.family === 'koa');
}

function casesOf(world: World) {
  return Object.entries(answers)
    .filter(([title]) => world.kind.name === 'memory' || sample.includes(title))
    .flatMap(([title, [answer, fates]]) =>
      momentsOf(world)
        .filter((when) => isPossible(world, answer, when))
        .flatMap((when) =>
          (Object.keys(policies) as Policy[]).map((policy) => ({ title, answer, fates, when, policy })),
        ),
    );
}

onEveryFramework('What the retry gets, and how often the effect has happened, after', (world) => {
  it.each(casesOf(world))('$title, given $when the work, under $policy', async ({ answer, fates, when, policy }) => {
    const { first, retry, effects } = await answerAndRetry(world, answer, when, policies[policy]);
    expect(first?.status).toBe(answer?.status);
    // What says "not processed" while the handler is seen to work says nothing of it.
    const isSeenWorking = world.framework.family === 'koa' && when === 'during' && fates === notProcessed;
    const fate = (isSeenWorking ? failed : fates)[policy];
    const ofFirst = when === 'before' ? 0 : 1;
    expect([retry, effects]).toEqual([fate, fate === 'runs' ? ofFirst + 1 : ofFirst]);
  });

  it.each(casesOf(world).filter(({ when, answer }) => when === 'after' && !answer?.unrouted))(
    '$title of a handler that said that nothing happened, under $policy',
    async ({ answer, fates, policy }) => {
      const { retry, effects } = await answerAndRetry(world, answer, 'after nothing', policies[policy]);
      const isFailure = answer === null || answer.status >= 400 || fates[policy] === 'unknown';
      expect([retry, effects]).toEqual(isFailure ? ['runs', 1] : ['replayed', 0]);
    },
  );
});

onEveryFramework('Under payments the effect happens twice only', (world) => {
  it.each(casesOf(world).filter(({ policy, when }) => policy !== 'default' && when !== 'before'))(
    'where the answer itself says that the request was not processed: $title, given $when the work',
    async (one) => {
      const { effects } = await answerAndRetry(world, one.answer, one.when, policies[one.policy]);
      const saysSo = one.fates === notProcessed && !(world.framework.family === 'koa' && one.when === 'during');
      expect(effects).toBe(saysSo ? 2 : 1);
    },
  );
});
