// Requirement 13: outer layers on Express that patch the response act once, on the first response and on the replay.
import type { Request, Response } from 'express';
import { expect, it } from 'vitest';
import {
  paidWithHeaders as paid,
  startWithMiddleware,
} from '../../packages/testing/src/adapter-suite/support/app-with-layer.js';
import { comparableResponse, expectReplay } from '../../packages/testing/src/adapter-suite/support/expect-replay.js';
import { onEveryFramework } from './framework-matrix.js';
import { isExpress } from './registrations/express.js';

type ExpressLayer = (req: Request, res: Response, next: () => void) => void;

const expressLayers: Record<string, ExpressLayer> = {
  'res.json': (_req, res, next) => {
    const { json } = res;
    res.json = (body) => json.call(res, { data: body });
    next();
  },
  'res.send': (_req, res, next) => {
    const { send } = res;
    res.send = (body) => send.call(res, typeof body === 'string' ? `[${body}]` : body);
    next();
  },
  'res.end': (_req, res, next) => {
    const { end } = res;
    res.end = ((chunk: string | Buffer) => {
      const bytes = Buffer.concat([Buffer.from('['), Buffer.from(chunk), Buffer.from(']')]);
      res.setHeader('Content-Length', bytes.length);
      return end.call(res, bytes, 'utf8');
    }) as typeof end;
    next();
  },
  'res.writeHead': (_req, res, next) => {
    const { writeHead } = res;
    res.writeHead = ((...args: Parameters<typeof writeHead>) => {
      res.setHeader('X-Layer', [...[res.getHeader('X-Layer') ?? []].flat(), 'outside'].map(String));
      return writeHead.apply(res, args);
    }) as typeof writeHead;
    next();
  },
};

onEveryFramework(
  'An outer layer on Express that patches',
  (testbed) => {
    it.each(Object.keys(expressLayers))('%s acts once, on the first response and on the replay', async (name) => {
      const app = await startWithMiddleware({ testbed, place: 'outside', layer: expressLayers[name], handler: paid });
      const plain = await app.sendWithoutKey();
      const first = await app.sendWithKey();
      expect({ ...comparableResponse(first), headers: [] }).toEqual({ ...comparableResponse(plain), headers: [] });
      const replay = await app.sendWithKey();
      expectReplay(replay, first);
      expect(replay.headers['x-layer']).toBe(plain.headers['x-layer']);
      expect(app.runs()).toBe(2);
    });
  },
  { only: isExpress },
);
