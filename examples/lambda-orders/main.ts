// Plays the part of API Gateway and SQS for the two functions. In the folder examples, after npm run build:
//
//   npx tsx lambda-orders/main.ts
import type { APIGatewayProxyEventV2WithJWTAuthorizer, SQSRecord } from 'aws-lambda';
import { placeOrder, shipOrders } from './functions.js';
import { carrier, queue } from './systems.js';

const context = { getRemainingTimeInMillis: () => 10_000 };

async function order(key: string, item: unknown): Promise<void> {
  const event = {
    version: '2.0',
    rawPath: '/orders',
    rawQueryString: '',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    requestContext: { http: { method: 'POST' }, authorizer: { jwt: { claims: { sub: 'alice' } } } },
    body: JSON.stringify({ item }),
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer;
  const { statusCode, headers } = await placeOrder(event, context);
  console.log(`order ${key}: ${statusCode}${headers?.['Idempotent-Replayed'] ? ', a replay' : ''}`);
}

/** Delivers every message, and those that failed again. */
async function deliver(): Promise<void> {
  let waiting = queue.messages.map((body, at) => ({ messageId: String(at), body }) as SQSRecord);
  while (waiting.length > 0) {
    const { batchItemFailures } = await shipOrders({ Records: waiting }, context);
    console.log(`delivered ${waiting.length}, failed ${batchItemFailures.length}`);
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    waiting = waiting.filter(({ messageId }) => failed.has(messageId));
  }
}

await order('cart-1', 'tea');
await order('cart-1', 'tea'); // the client did not get the response
await order('cart-2', 7);
await order('cart-2', 'cups'); // corrected, under the same key
queue.messages.push(...queue.messages); // SQS delivers each message twice
await deliver();
console.log(`shipped: ${carrier.shipped.sort().join(', ')}`);
