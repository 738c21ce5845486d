// What the types of the wrappers promise, with those of @types/aws-lambda and of middy. Checked by `npx tsc -p test`; nothing here runs.
import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import { MemoryStore, type OperationContext } from '@onceguard/core';
import { idempotencyOf, idempotentSqs, type SqsBatchResponse, withIdempotency } from '@onceguard/lambda';
import { idempotency } from '@onceguard/lambda/middy';
import type {
  ALBEvent,
  ALBResult,
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  APIGatewayProxyEventV2WithJWTAuthorizer,
  APIGatewayProxyHandler,
  APIGatewayProxyHandlerV2,
  APIGatewayProxyResult,
  Context,
  LambdaFunctionURLHandler,
  SQSHandler,
  SQSRecord,
} from 'aws-lambda';
import { expectTypeOf } from 'vitest';

const options = { store: new MemoryStore(), scope: 'public' } as const;

// The functions among the options get the event of the handler.
const jwt = withIdempotency(
  async (event: APIGatewayProxyEventV2WithJWTAuthorizer, context: Context) => {
    const { key } = idempotencyOf(event);
    return { statusCode: 201, body: `${key} ${context.awsRequestId}` };
  },
  {
    ...options,
    scope: (event) => {
      expectTypeOf(event).toEqualTypeOf<APIGatewayProxyEventV2WithJWTAuthorizer>();
      return String(event.requestContext.authorizer.jwt.claims.sub);
    },
  },
);
expectTypeOf(jwt).returns.resolves.toEqualTypeOf<{ statusCode: number; body: string }>();

// A wrapped handler is a handler of every kind.
export const v1: APIGatewayProxyHandler = withIdempotency(
  async (_event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> => ({ statusCode: 201, body: '' }),
  options,
);
export const v2: APIGatewayProxyHandlerV2 = withIdempotency(
  async (event: APIGatewayProxyEventV2) => ({ statusCode: 201, body: event.rawPath }),
  options,
);
export const inferred: APIGatewayProxyHandlerV2<{ paid: boolean }> = withIdempotency(
  async (_event: APIGatewayProxyEventV2) => ({ paid: true }),
  options,
);
export const functionUrl: LambdaFunctionURLHandler = withIdempotency(
  async (event: APIGatewayProxyEventV2) => ({ statusCode: 201, body: event.rawPath }),
  options,
);
withIdempotency(async (_event: ALBEvent): Promise<ALBResult> => ({ statusCode: 201 }), options);

// Without the types of AWS, any event with a request context will do.
withIdempotency(async ({ body }) => ({ statusCode: 201, body: String(body) }), options);
// @ts-expect-error: an SQS record is no HTTP event
withIdempotency(async (_event: SQSRecord) => ({ statusCode: 201 }), options);
// @ts-expect-error: the scope is missing
withIdempotency(async () => ({ statusCode: 201 }), { store: options.store });

// Messages of AWS, and of your own type.
export const sqs: SQSHandler = idempotentSqs(
  (record: SQSRecord, context) => {
    expectTypeOf(context).toEqualTypeOf<OperationContext>();
    return record.attributes.ApproximateReceiveCount;
  },
  { store: options.store, scope: 'orders', key: ({ messageAttributes }) => messageAttributes.id?.stringValue ?? '' },
);
const plain = idempotentSqs((record) => record.body, {
  store: options.store,
  scope: 'orders',
  key: ({ body }) => body,
});
expectTypeOf(plain).returns.resolves.toEqualTypeOf<SqsBatchResponse>();
// @ts-expect-error: the key is missing
idempotentSqs(() => {}, { store: options.store, scope: 'orders' });

// middy takes the middleware between its own.
middy(async (event: APIGatewayProxyEventV2) => ({ statusCode: 201, body: event.rawPath }))
  .use(httpJsonBodyParser())
  .use(idempotency({ ...options, scope: (event) => String(event.requestContext) }))
  .use(httpErrorHandler());
