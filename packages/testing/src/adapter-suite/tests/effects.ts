// Requirement 5: whoever responds to a request, and whenever, its effect never happens twice unless the policy allows
// it.
import { httpPaymentPolicy } from '@onceguard/core/http';
import { expect, it } from 'vitest';
import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Options } from '../framework.js';
import { type GivenResponse, type ResponseMoment, respondAndRetry } from '../support/respond-and-retry.js';

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

/** Where the adapter sees that a handler works, a layer may respond seen by it, or not. */
function momentsFor(testbed: Testbed): readonly ResponseMoment[] {
  const before: ResponseMoment[] = testbed.has('innerLayers') ? ['before'] : [];
  const seen: ResponseMoment[] = testbed.has('handlerEnd', 'outerLayers') ? ['during'] : [];
  const unnoticed: ResponseMoment = testbed.has('handlerEnd') ? 'during, unnoticed' : 'during';
  return [...before, ...seen, ...(testbed.has('innerLayers') ? [unnoticed] : []), 'after'];
}

/** Whether the adapter sees that the handler works when a layer responds. */
function isHandlerSeen(testbed: Testbed, when: ResponseMoment): boolean {
  if (!testbed.has('handlerEnd')) return false;
  return when === 'during' || (when === 'during, unnoticed' && !testbed.has('hidingLayers'));
}

/** Some combinations cannot happen: who sends a 404 of a route, or of none, depends on what counts as a route. */
function isPossible(testbed: Testbed, response: GivenResponse | null, when: ResponseMoment): boolean {
  if (response === null) return testbed.has('raw');
  if (response.status !== 404) return true;
  if (!response.isUnrouted) return when !== 'before' || testbed.has('routedLayers');
  return testbed.has('unrouted') && (when === 'before' || (when === 'during' && testbed.has('silentLayers')));
}

/** What a policy makes of a response does not depend on the version of the framework. */
function policiesFor({ anotherVersion }: Testbed): readonly Policy[] {
  return anotherVersion ? ['payments'] : (Object.keys(policies) as Policy[]);
}

function casesOf(testbed: Testbed) {
  return Object.entries(responses).flatMap(([title, [response, outcomes]]) =>
    momentsFor(testbed)
      .filter((when) => isPossible(testbed, response, when))
      .flatMap((when) => policiesFor(testbed).map((policy) => ({ title, response, outcomes, when, policy }))),
  );
}

export function effectsTests(suite: AdapterTests): void {
  suite.group('What the retry gets, and how often the effect has happened, after', (testbed) => {
    it.each(casesOf(testbed))(
      '$title, given $when the work, under $policy',
      async ({ response, outcomes, when, policy }) => {
        const { first, retry, effects } = await respondAndRetry(testbed, response, when, policies[policy]);
        expect(first?.status).toBe(response?.status);
        // A "not processed" response that comes while the handler is seen to run says nothing about the handler's work.
        const isSeenWorking = isHandlerSeen(testbed, when) && outcomes === notProcessed;
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

  suite.group('Under httpPaymentPolicy the effect happens twice only', (testbed) => {
    it.each(casesOf(testbed).filter(({ policy, when }) => policy !== 'default' && when !== 'before'))(
      'where the response itself says that the request was not processed: $title, given $when the work',
      async (row) => {
        const { effects } = await respondAndRetry(testbed, row.response, row.when, policies[row.policy]);
        const saysSo = row.outcomes === notProcessed && !isHandlerSeen(testbed, row.when);
        expect(effects).toBe(saysSo ? 2 : 1);
      },
    );
  });
}
