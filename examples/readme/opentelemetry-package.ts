// The snippet of packages/opentelemetry/README.md. What is between the marks is an exact copy: change both.

// #region snippet

import { MemoryStore, makeIdempotent } from '@onceguard/core';
import { instrumentIdempotency } from '@onceguard/opentelemetry';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] }).register();
instrumentIdempotency();

const charge = async (order: { id: string }) => ({ charged: order.id });
const options = { store: new MemoryStore(), operation: 'charge', scope: 'shop' };
const pay = makeIdempotent(charge, { ...options, key: (order) => order.id });
await pay({ id: 'order-17' });
await pay({ id: 'order-17' }); // its span links to that of the first call

// #endregion
