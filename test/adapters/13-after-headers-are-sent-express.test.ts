// Requirement 13: once Express' own methods have responded the response is fixed, whatever the application does next.
import { expect, it } from 'vitest';
import type { Call } from '../../packages/testing/src/adapter-suite/framework.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';
import { isExpress } from './registrations/express.js';

onEveryFramework(
  "After Express' own methods have responded",
  (testbed) => {
    it.each<[string, (call: Call) => unknown]>([
      ['res.json twice', ({ res }) => Reflect.get(res, 'json').call(res, { run: 2 })],
      ['res.status(500)', ({ res }) => Reflect.get(res, 'status').call(res, 500)],
      ['res.sendStatus(500)', ({ res }) => Reflect.get(res, 'sendStatus').call(res, 500)],
    ])('%s changes nothing', async (_, misdeed) => {
      const { port } = await testbed.start({
        store: (await testbed.openStore()).store,
        handler: (call) => {
          Reflect.get(call.res, 'json').call(call.res, { run: 1 });
          misdeed(call);
          return 'raw';
        },
      });
      const responses = [await send(port, { key: 'k' }), await send(port, { key: 'k' })];
      expect(responses.map(({ status, text }) => [status, text])).toEqual(Array(2).fill([200, '{"run":1}']));
    });
  },
  { only: isExpress },
);
