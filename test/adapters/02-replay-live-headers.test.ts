// Requirement 2: a replay has the live headers of helmet, cors and a request id.
import { randomUUID } from 'node:crypto';
import cors from 'cors';
import helmet from 'helmet';
import { expect, it } from 'vitest';
import type { NodeLayer } from '../../packages/testing/src/adapter-suite/framework.js';
import { type ReceivedResponse, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';

onEveryFramework(
  'A replay',
  (testbed) => {
    it('has the headers of helmet, cors and a request id live, once each', async () => {
      const allowed = ['https://one.example', 'https://two.example'];
      const scriptSrc = [() => `'nonce-${randomUUID()}'`];
      const requestId: NodeLayer = (_req, res, next) => {
        res.setHeader('X-Request-Id', randomUUID());
        next();
      };
      const layers = [
        helmet({ contentSecurityPolicy: { directives: { scriptSrc } } }),
        cors({ origin: allowed, exposedHeaders: ['X-Total'] }),
        requestId,
      ];
      let runs = 0;
      const { port } = await testbed.start({
        store: (await testbed.openStore()).store,
        outer: layers.map((one) => testbed.nodeLayer(one)),
        handler: () => ({ status: 201, headers: { 'X-Handler': `made in run ${++runs}` }, body: { paid: true } }),
      });
      const first = await send(port, { key: 'payment-1', headers: { Origin: 'https://one.example' } });
      const replay = await send(port, { key: 'payment-1', headers: { Origin: 'https://two.example' } });
      expect([replay.status, replay.text, runs]).toEqual([first.status, first.text, 1]);
      expect(first.headers['access-control-allow-origin']).toBe('https://one.example');
      expect(replay.headers['access-control-allow-origin']).toBe('https://two.example');
      for (const name of ['x-request-id', 'content-security-policy']) {
        expect(linesOf(first, name)).toHaveLength(1);
        expect(linesOf(replay, name)).toHaveLength(1);
        expect(replay.headers[name]).not.toBe(first.headers[name]);
      }
      for (const name of ['strict-transport-security', 'x-frame-options', 'access-control-expose-headers', 'vary']) {
        expect(linesOf(first, name)).toHaveLength(1);
        expect(linesOf(replay, name)).toEqual(linesOf(first, name));
      }
      expect(replay.headers['x-handler']).toBe('made in run 1');
    });
  },
  { needs: ['nodeLayers', 'outerLayers'] },
);

function linesOf({ rawHeaders }: ReceivedResponse, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}
