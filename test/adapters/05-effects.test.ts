// Requirement 5: whoever responds to a request, and whenever, its effect never happens twice unless the policy allows
// it.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import { type GivenResponse, type ResponseMoment, respondAndRetry } from './05-respond-and-retry.js';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import type { Options } from './frameworks.js';

type Policy = 'default' | 'payments' | 'payments with classify';
type RetryResult = 'replayed' | 'runs' | 'unknown';

const policies: Readonly<Record<Policy, Options>> = {
  default: {},
  payments: httpPaymentPolicy,
  'payments with classify': {
    ...httpPaymentPolicy,
    classify: ({ json }) => (Object(json()).errors === undefined ? undefined : 'unknown'),
  },
};

/** What a retry gets under each policy, as `docs/http.md` describes it. */
const recorded: Readonly<Record<Policy, RetryResult>> = {
  default: 'replayed',
  payments: 'replayed',
  'payments with classify': 'replayed',
};
const notProcessed: typeof recorded = { default: 'runs', payments: 'runs', 'payments with classify': 'runs' };
const failed: typeof recorded = { default: 'runs', payments: 'unknown', 'payments with classify': 'unknown' };

const plainResponse = (status: number): GivenResponse => ({ status, body: { status } });

const answers: Readonly<Record<string, readonly [GivenResponse | null, typeof recorded]>> = {
  '200': [plainResponse(200), recorded],
  '200 with errors': [
    { status: 200, body: { data: null, errors: [{ message: 'It failed.' }] } },
    { ...recorded, 'payments with classify': 'unknown' },
  ],
  '302': [{ status: 302, headers: { Location: '/receipt' }, body: 'Found.' }, recorded],
  '400': [plainResponse(400), recorded],
  '401': [plainResponse(401), notProcessed],
  '403': [plainResponse(403), notProcessed],
  '404 of a route': [plainResponse(404), recorded],
  '404 of no route': [{ status: 404, body: null, isUnrouted: true }, notProcessed],
  '408': [plainResponse(408), failed],
  '409 with Retry-After': [{ ...plainResponse(409), headers: { 'Retry-After': '1' } }, failed],
  '422': [plainResponse(422), recorded],
  '425': [plainResponse(425), notProcessed],
  '429': [plainResponse(429), notProcessed],
  '500': [plainResponse(500), failed],
  '502': [plainResponse(502), failed],
  '503': [plainResponse(503), failed],
  '504': [plainResponse(504), failed],
  'no answer': [null, failed],
};

/** On Redis a sample suffices: the classification of a response happens before any store call. */
const redisSample = ['200 with errors', '404 of no route', '408', '429', '503', 'no answer'];

const momentsFor = ({ framework }: Testbed): readonly ResponseMoment[] =>
  framework.family === 'koa' ? ['before', 'during', 'during, unnoticed', 'after'] : ['before', 'during', 'after'];

/**
 * Some combinations cannot happen. On Express a request is unrouted only while no handler has a route. On Koa only a
 * layer that has ended can leave it unrouted. On Express a layer before the routes is no route.
 */
function isPossible({ framework }: Testbed, answer: GivenResponse | null, when: ResponseMoment): boolean {
  if (answer?.status !== 404) return true;
  if (!answer.isUnrouted) return when !== 'before' || framework.family === 'koa';
  return when === 'before' || (when === 'during' && framework.family === 'koa');
}

function casesOf(world: Testbed) {
  return Object.entries(answers)
    .filter(([title]) => world.kind.name === 'memory' || redisSample.includes(title))
    .flatMap(([title, [answer, fates]]) =>
      momentsFor(world)
        .filter((when) => isPossible(world, answer, when))
        .flatMap((when) =>
          (Object.keys(policies) as Policy[]).map((policy) => ({ title, answer, fates, when, policy })),
        ),
    );
}

onEveryFramework('What the retry gets, and how often the effect has happened, after', (world) => {
  it.each(casesOf(world))('$title, given $when the work, under $policy', async ({ answer, fates, when, policy }) => {
    const { first, retry, effects } = await respondAndRetry(world, answer, when, policies[policy]);
    expect(first?.status).toBe(answer?.status);
    // A "not processed" response that comes while the handler is seen to run says nothing about the handler's work.
    const isSeenWorking = world.framework.family === 'koa' && when === 'during' && fates === notProcessed;
    const fate = (isSeenWorking ? failed : fates)[policy];
    const ofFirst = when === 'before' ? 0 : 1;
    expect([retry, effects]).toEqual([fate, fate === 'runs' ? ofFirst + 1 : ofFirst]);
  });

  it.each(casesOf(world).filter(({ when, answer }) => when === 'after' && !answer?.isUnrouted))(
    'where a handler called markNothingHappened: $title, under $policy',
    async ({ answer, fates, policy }) => {
      const { retry, effects } = await respondAndRetry(world, answer, 'after nothing', policies[policy]);
      const isFailure = answer === null || answer.status >= 400 || fates[policy] === 'unknown';
      expect([retry, effects]).toEqual(isFailure ? ['runs', 1] : ['replayed', 0]);
    },
  );
});

onEveryFramework('Under httpPaymentPolicy the effect happens twice only', (world) => {
  it.each(casesOf(world).filter(({ policy, when }) => policy !== 'default' && when !== 'before'))(
    'where the response itself says that the request was not processed: $title, given $when the work',
    async (one) => {
      const { effects } = await respondAndRetry(world, one.answer, one.when, policies[one.policy]);
      const saysSo = one.fates === notProcessed && !(world.framework.family === 'koa' && one.when === 'during');
      expect(effects).toBe(saysSo ? 2 : 1);
    },
  );
});
