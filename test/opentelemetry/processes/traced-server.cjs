// An Express server on Redis with the SDK of OpenTelemetry, as an application starts one. CommonJS, because that is how the
// instrumentations patch modules without a loader. Tells its port, and the spans that have ended whenever it is asked.
const { trace } = require('@opentelemetry/api');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { IORedisInstrumentation } = require('@opentelemetry/instrumentation-ioredis');
const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');

const { redisUrl, prefix } = JSON.parse(process.argv[2]);
const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation(), new IORedisInstrumentation()],
});
const { instrumentIdempotency } = require('@onceguard/opentelemetry');
instrumentIdempotency();

const { RedisStore } = require('@onceguard/core/redis');
const { idempotency } = require('@onceguard/express');
const express = require('express');
const { Redis } = require('ioredis');

const client = new Redis(redisUrl);
const store = new RedisStore({ client, prefix });
const app = express();
app.use(express.json());
app.post('/payments/:shop', idempotency({ store, scope: 'public' }), async (req, res) => {
  await trace.getTracer('application').startActiveSpan('charge the card', async (span) => {
    await client.set(`${prefix}ledger`, 'charged');
    span.end();
  });
  if (req.body.declined) return res.status(500).json({ declined: true });
  res.status(201).json({ paid: true });
});

process.on('message', () => process.send({ spans: exporter.getFinishedSpans().map(toPlainSpan) }));
const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

function toPlainSpan(span) {
  return {
    name: span.name,
    kind: span.kind,
    status: span.status.code,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    links: span.links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
  };
}
