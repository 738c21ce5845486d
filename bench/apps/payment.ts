// The work that every row guards: a payment that costs nothing, with a counter.
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';

/** A client's request. `note` makes requests and responses as large as a load wants them. */
export interface Order {
  readonly amount: number;
  readonly currency: string;
  readonly note: string;
}

let runs = 0;

/** How often the work was done in this process. */
export function runsSoFar(): number {
  return runs;
}

/** Unique each time, so that a response shows whether it is a replay. About 200 bytes as JSON, without the note. */
export function pay({ amount, currency, note }: Order) {
  runs += 1;
  return {
    id: `pay_${process.pid}_${String(runs).padStart(10, '0')}`,
    object: 'payment',
    status: 'succeeded',
    amount,
    currency,
    createdAt: new Date().toISOString(),
    description: 'Payment for order 2026-11-0042',
    note,
  };
}

/** The application of every row: a body parser, the row's guard, the route. */
export function paymentsApp(guard: RequestHandler | null, handler: RequestHandler = handlePayment): Express {
  const app = express();
  app.use(express.json({ limit: '2mb' }));
  app.post('/payments', ...(guard === null ? [] : [guard]), handler);
  app.use(respondToError);
  return app;
}

export const handlePayment: RequestHandler = (req, res) => {
  res.status(201).json(pay(req.body));
};

export function idempotencyKeyOf(req: Request): string {
  return req.get('Idempotency-Key') ?? '';
}

/** A short response to a rejection. Express' own would print a stack trace for each. */
const respondToError: ErrorRequestHandler = (error: Error, _req, res, next) => {
  if (res.headersSent) next(error);
  else res.status(res.statusCode < 400 ? 500 : res.statusCode).json({ error: error.message });
};
