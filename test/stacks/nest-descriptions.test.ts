// What the record of a request says for people: the template of its route, and its trace.
import { lookup } from '@onceguard/core';
import { expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryNest, startNest } from './nest-adapter/application.js';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

await onEveryNest('The record of a request', ({ nest, platform }) => {
  const { Controller, Post, VersioningType } = nest.common;

  @Controller({ path: 'payments', version: '2' })
  class Payments {
    @Post(':id')
    @nest.onceguard.Idempotent()
    pay() {
      return { paid: true };
    }
  }

  it('names the method and the template with the global prefix and the version, and the trace of the request', async () => {
    const { port, store } = await startNest(nest, platform, {
      controllers: [Payments],
      options: { scope: () => 'alice' },
      configure: (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    });
    const path = '/api/v2/payments/42';
    expect((await send(port, { path, key: 'order-17', headers: { traceparent } })).status).toBe(201);
    const record = await lookup(store, { scope: 'alice', key: 'order-17', method: 'POST', path });
    expect(record).toMatchObject({ operation: 'POST /api/v2/payments/:id', traceparent });
  });

  it('says nothing of a version that a header carries', async () => {
    const { port, store } = await startNest(nest, platform, {
      controllers: [Payments],
      options: { scope: () => 'alice' },
      configure: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'Version' }),
    });
    const path = '/payments/42';
    expect((await send(port, { path, key: 'order-17', headers: { version: '2' } })).status).toBe(201);
    const record = await lookup(store, { scope: 'alice', key: 'order-17', method: 'POST', path });
    expect(record).toMatchObject({ operation: 'POST /payments/:id' });
  });
});
