// The functions of a shop on AWS Lambda: an HTTP API takes orders, and an SQS queue has them shipped.
import { idempotencyOf, idempotentSqs, withIdempotency } from '@onceguard/lambda';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, APIGatewayProxyStructuredResultV2, SQSRecord } from 'aws-lambda';
import { carrier, queue, store } from './systems.js';

/** POST /orders. The authorizer of the API has checked the token of the customer. */
export const placeOrder = withIdempotency(
  async (event: APIGatewayProxyEventV2WithJWTAuthorizer): Promise<APIGatewayProxyStructuredResultV2> => {
    const { deriveKey, markNothingHappened } = idempotencyOf(event);
    const { item } = JSON.parse(event.body ?? '{}');
    if (typeof item !== 'string') {
      // The key is free, and the corrected order may use it.
      markNothingHappened();
      return { statusCode: 400, body: 'An order needs an item.' };
    }
    // The same in every attempt, so that a message which is sent again has the same order in it.
    const orderId = deriveKey('order');
    await queue.send({ orderId, item });
    return { statusCode: 202, body: JSON.stringify({ orderId, item }) };
  },
  {
    store,
    required: true,
    scope: (event) => String(event.requestContext.authorizer.jwt.claims.sub),
    onInProgress: { waitMs: 5_000 },
  },
);

/** The queue delivers at least once, and the producer may send again. The event source mapping has ReportBatchItemFailures. */
export const shipOrders = idempotentSqs(
  async (record: SQSRecord, { deriveKey, signal }) => {
    await carrier.ship(JSON.parse(record.body), { idempotencyKey: deriveKey('parcel'), signal });
  },
  {
    store,
    scope: 'orders',
    key: (record) => JSON.parse(record.body).orderId,
    // As long as the queue and its dead letters may deliver.
    ttlMs: 28 * 86_400_000,
  },
);
