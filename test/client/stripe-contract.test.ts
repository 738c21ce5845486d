// Against a server that speaks Stripe's contract: never worse than the stripe client, and right where that is wrong.
import { IdempotentFetchError, idempotentFetch, keyStore } from '@onceguard/client';
import Stripe from 'stripe';
import { expect, test } from 'vitest';
import { openStripe, type StripeBehaviour, type StripeServer } from './stripe-server.js';

interface Outcome {
  /** `answer`, or the code of the error. */
  readonly got: string;
  readonly charges: number;
  readonly sends: number;
}

/** Calls the server once, as an application does. */
type Caller = (server: StripeServer, amount: number, key?: string) => Promise<string>;

const withStripe: Caller = async ({ port }, amount, idempotencyKey) => {
  const stripe = new Stripe('sk_test_1', {
    host: '127.0.0.1',
    port,
    protocol: 'http',
    maxNetworkRetries: 3,
    timeout: 300,
    telemetry: false,
  });
  const params = { amount, currency: 'eur', source: 'tok_visa' };
  try {
    await stripe.charges.create(params, idempotencyKey === undefined ? {} : { idempotencyKey });
    return 'answer';
  } catch (error) {
    return error instanceof Stripe.errors.StripeError
      ? `${error.type} ${error.statusCode ?? ''}`.trim()
      : String(error);
  }
};

const values = new Map<string, string>();
const storage = {
  get: (name: string) => values.get(name),
  set: (name: string, value: string) => values.set(name, value),
  delete: (name: string) => values.delete(name),
};

/** Each call is that of a new process: its key is in the key store, unless the caller gives one. */
const withClient: Caller = async ({ port }, amount, idempotencyKey) => {
  const pay = idempotentFetch({ retries: 3, baseDelayMs: 20, tryTimeoutMs: 300, keyStore: keyStore(storage) });
  const body = new URLSearchParams({ amount: String(amount), currency: 'eur', source: 'tok_visa' });
  const named = idempotencyKey === undefined ? { intent: `port-${port}` } : { idempotencyKey };
  try {
    const response = await pay(`http://127.0.0.1:${port}/v1/charges`, { method: 'POST', body, ...named });
    if (response.ok) expect(await response.json()).toMatchObject({ object: 'charge' });
    return response.ok ? 'answer' : `response ${response.status}`;
  } catch (error) {
    return error instanceof IdempotentFetchError ? error.code : String(error);
  }
};

async function run(scenario: Scenario, call: Caller): Promise<Outcome> {
  const server = await openStripe(scenario.script);
  let got = '';
  for (const [amount, key] of scenario.calls ?? [[20]]) got = await call(server, amount, key);
  await server.close();
  return { got, charges: server.charges.length, sends: server.sent.length };
}

interface Scenario {
  readonly name: string;
  readonly script: readonly StripeBehaviour[];
  /** Amount and key of each call. Default: one, with a key of the client. */
  readonly calls?: readonly (readonly [amount: number, key?: string])[];
  readonly stripe: Outcome;
  readonly client: Outcome;
}

const apiError = { type: 'api_error', message: 'internal' };
const inUse = { type: 'idempotency_error', code: 'idempotency_key_in_use', message: 'in use' };
const declined = { type: 'card_error', code: 'card_declined', message: 'declined' };
const once = { got: 'answer', charges: 1, sends: 2 };

const scenarios: readonly Scenario[] = [
  { name: 'the request is lost', script: ['lose_request'], stripe: once, client: once },
  { name: 'the answer is lost', script: ['lose_answer'], stripe: once, client: once },
  { name: 'no answer comes in time', script: ['silence'], stripe: once, client: once },
  {
    name: 'the server is overloaded for a moment',
    script: [{ status: 503, error: apiError }],
    stripe: once,
    client: once,
  },
  { name: 'the key is in use', script: [{ status: 409, error: inUse }], stripe: once, client: once },
  {
    name: 'Stripe says that a retry is worth it',
    script: [{ status: 400, headers: { 'stripe-should-retry': 'true' }, error: apiError }],
    stripe: once,
    client: once,
  },
  {
    name: 'Stripe says that a retry is not worth it',
    script: [{ status: 500, headers: { 'stripe-should-retry': 'false' }, error: apiError }],
    stripe: { got: 'StripeAPIError 500', charges: 0, sends: 1 },
    client: { got: 'response 500', charges: 0, sends: 1 },
  },
  {
    name: 'the card is declined',
    script: [{ status: 402, error: declined, isRecorded: true }],
    stripe: { got: 'StripeCardError 402', charges: 0, sends: 1 },
    client: { got: 'response 402', charges: 0, sends: 1 },
  },
  {
    name: 'the key belongs to another payload',
    script: [],
    calls: [
      [20, 'k'],
      [21, 'k'],
    ],
    stripe: { got: 'StripeIdempotencyError 400', charges: 1, sends: 2 },
    client: { got: 'key_reused', charges: 1, sends: 2 },
  },
  {
    name: 'there are too many requests',
    script: [{ status: 429, headers: { 'retry-after': '0' }, error: { type: 'rate_limit', message: 'slow down' } }],
    stripe: { got: 'StripeRateLimitError 429', charges: 0, sends: 1 },
    client: once,
  },
  {
    name: 'the answer is cut inside its body',
    script: ['cut'],
    stripe: { got: 'StripeConnectionError', charges: 1, sends: 1 },
    client: once,
  },
  {
    name: 'a failure is on record, so that it comes again',
    script: [{ status: 500, error: apiError, isRecorded: true }],
    stripe: { got: 'StripeAPIError 500', charges: 0, sends: 4 },
    client: { got: 'response 500', charges: 0, sends: 2 },
  },
  {
    name: 'the server wants a wait of two minutes',
    script: Array(4).fill({ status: 503, headers: { 'retry-after': '120' }, error: apiError }),
    stripe: { got: 'StripeAPIError 503', charges: 0, sends: 4 },
    client: { got: 'retries_exhausted', charges: 0, sends: 1 },
  },
  {
    name: 'every answer is lost, and the program is started again',
    script: ['lose_answer', 'lose_request', 'lose_request', 'lose_request'],
    calls: [[20], [20]],
    stripe: { got: 'answer', charges: 2, sends: 5 },
    client: { got: 'answer', charges: 1, sends: 5 },
  },
];

test.each(scenarios)(
  'When $name',
  async (scenario) => {
    const stripe = await run(scenario, withStripe);
    const client = await run(scenario, withClient);
    expect({ stripe, client }).toEqual({ stripe: scenario.stripe, client: scenario.client });
    expect(client.charges).toBeLessThanOrEqual(stripe.charges || 1);
    if (stripe.got === 'answer') expect(client.got).toBe('answer');
  },
  30_000,
);
