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

const responses: Readonly<Record<string, readonly [GivenResponse | null, typeof recorded]>> = {
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
  'no response': [null, failed],
};

/** On Redis a sample suffices: the classification of a response happens before any store call. */
const redisSample = ['200 with errors', '404 of no route', '408', '429', '503', 'no response'];

const momentsFor = ({ framework }: Testbed): readonly ResponseMoment[] =>
  framework.family === 'koa' ? ['before', 'during', 'during, unnoticed', 'after'] : ['before', 'during', 'after'];

/**
 * Some combinations cannot happen. On Express a request is unrouted only while no handler has a route. On Koa only a
 * layer that has ended can leave it unrouted. On Express a layer before the routes is no route.
 */
function isPossible({ framework }: Testbed, response: GivenResponse | null, when: ResponseMoment): boolean {
  if (response?.status !== 404) return true;
  if (!response.isUnrouted) return when !== 'before' || framework.family === 'koa';
  return when === 'before' || (when === 'during' && framework.family === 'koa');
}

function casesOf(testbed: Testbed) {
  return Object.entries(responses)
    .filter(([title]) => testbed.kind.name === 'memory' || redisSample.includes(title))
    .flatMap(([title, [response, outcomes]]) =>
      momentsFor(testbed)
        .filter((when) => isPossible(testbed, response, when))
        .flatMap((when) =>
          (Object.keys(policies) as Policy[]).map((policy) => ({ title, response, outcomes, when, policy })),
        ),
    );
}

onEveryFramework('What the retry gets, and how often the effect has happened, after', (testbed) => {
  it.each(casesOf(testbed))(
    '$title, given $when the work, under $policy',
    async ({ response, outcomes, when, policy }) => {
      const { first, retry, effects } = await respondAndRetry(testbed, response, when, policies[policy]);
      expect(first?.status).toBe(response?.status);
      // A "not processed" response that comes while the handler is seen to run says nothing about the handler's work.
      const isSeenWorking = testbed.framework.family === 'koa' && when === 'during' && outcomes === notProcessed;
      const outcome = (isSeenWorking ? failed : outcomes)[policy];
      const ofFirst = when === 'before' ? 0 : 1;
      expect([retry, effects]).toEqual([outcome, outcome === 'runs' ? ofFirst + 1 : ofFirst]);
    },
  );

  it.each(casesOf(testbed).filter(({ when, response }) => when === 'after' && !response?.isUnrouted))(
    'where a handler called markNothingHappened: $title, under $policy',
    async ({ response, outcomes, policy }) => {
      const { retry, effects } = await respondAndRetry(testbed, response, 'after nothing', policies[policy]);
      const isFailure = response === null || response.status >= 400 || outcomes[policy] === 'unknown';
      expect([retry, effects]).toEqual(isFailure ? ['runs', 1] : ['replayed', 0]);
    },
  );
});

onEveryFramework('Under httpPaymentPolicy the effect happens twice only', (testbed) => {
  it.each(casesOf(testbed).filter(({ policy, when }) => policy !== 'default' && when !== 'before'))(
    'where the response itself says that the request was not processed: $title, given $when the work',
    async (row) => {
      const { effects } = await respondAndRetry(testbed, row.response, row.when, policies[row.policy]);
      const saysSo = row.outcomes === notProcessed && !(testbed.framework.family === 'koa' && row.when === 'during');
      expect(effects).toBe(saysSo ? 2 : 1);
    },
  );
});
