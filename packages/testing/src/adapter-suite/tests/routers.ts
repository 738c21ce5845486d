// Requirement 4: the path of the incoming request counts, even where routers rewrite it.
import { afterEach, expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { type RunningApp, serve } from '../app-server.js';
import { type ReceivedResponse, send } from '../support/http-client.js';

const open: RunningApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

export function routersTests(suite: AdapterTests): void {
  suite.group(
    'The same key',
    (testbed) => {
      const routers = Object.entries(testbed.framework.routers ?? {});
      it.each(routers)('names separate records on the two paths of %s', async (_title, mount) => {
        const { store } = await testbed.openStore();
        let runs = 0;
        const handler = () => ({ status: 201, body: { run: ++runs } });
        const app = await serve(await mount({ store, handler }), testbed.framework.transport);
        open.push(app);
        const post = async (path: string): Promise<ReceivedResponse> =>
          await send(app.port, { key: 'k', method: 'POST', path });
        const responses = [await post('/a/pay'), await post('/b/pay'), await post('/a/pay'), await post('/b/pay')];
        expect(responses.map(({ text }) => text)).toEqual(['{"run":1}', '{"run":2}', '{"run":1}', '{"run":2}']);
        const replayed = responses.map(({ headers }) => headers['idempotent-replayed']);
        expect(replayed).toEqual([undefined, undefined, 'true', 'true']);
      });
    },
    { needs: ['routers'] },
  );
}
