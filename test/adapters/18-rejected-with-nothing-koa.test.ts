// A handler that rejects without an Error, for which Koa alone sends nothing.
import { expect, it } from 'vitest';
import type { Handler } from '../../packages/testing/src/adapter-suite/framework.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';
import { isKoa } from './registrations/koa.js';

onEveryFramework(
  'Koa',
  (testbed) => {
    it.each([
      ['undefined', undefined],
      ['null', null],
    ])('sends 500 where a handler rejects with %s, for which Koa alone sends nothing', async (_title, value) => {
      const { store } = await testbed.openStore();
      const handler: Handler = async () => await Promise.reject(value);
      const { port } = await testbed.start({ store, handler });
      expect((await send(port, { key: 'k' })).status).toBe(500);
    });
  },
  { only: isKoa },
);
