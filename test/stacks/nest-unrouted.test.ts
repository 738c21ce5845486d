// A request that no route of a Nest application matches: its 404 is not recorded, and its key stays free.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { httpPaymentPolicy } from '@onceguard/core/http';
import type { ScanPage } from '@onceguard/core/store';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { expressMiddleware } from '../adapters/registrations/express.js';
import { type OpenedStore, storeKinds } from '../adapters/store-kinds.js';

/** The parts of Nest 11 and 12 that are used here; each version finds its own packages. */
interface Nest {
  readonly Controller: (path: string) => ClassDecorator;
  readonly Post: () => MethodDecorator;
  readonly Module: (metadata: object) => ClassDecorator;
  readonly NotFoundException: new () => Error;
  readonly NestFactory: { create(module: unknown, options: object): Promise<NestApplication> };
}

interface NestApplication {
  use(...middleware: readonly unknown[]): void;
  setGlobalPrefix(prefix: string): void;
  listen(port: number, host: string): Promise<{ address(): AddressInfo }>;
  close(): Promise<void>;
}

function loadNest(major: 11 | 12): Nest {
  const require = createRequire(join(dirname(fileURLToPath(import.meta.url)), `nest-${major}`, 'package.json'));
  return { ...require('@nestjs/common'), ...require('@nestjs/core') } as Nest;
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Its only route, POST pay, responds that the account does not exist. */
async function startNest(nest: Nest, { store }: OpenedStore, prefix: string | null): Promise<number> {
  class PayController {
    pay() {
      throw new nest.NotFoundException();
    }
  }
  const { prototype } = PayController;
  nest.Post()(prototype, 'pay', Object.getOwnPropertyDescriptor(prototype, 'pay') ?? {});
  nest.Controller('pay')(PayController);
  class AppModule {}
  nest.Module({ controllers: [PayController] })(AppModule);
  const app = await nest.NestFactory.create(AppModule, { logger: false, bodyParser: false });
  open.push(app);
  if (prefix !== null) app.setGlobalPrefix(prefix);
  app.use(express.json(), expressMiddleware(store, httpPaymentPolicy));
  return (await app.listen(0, '127.0.0.1')).address().port;
}

/** The states of all records: a page of Redis may be empty before the last. */
async function statesIn({ store }: OpenedStore): Promise<string[]> {
  const states: string[] = [];
  let cursor: string | null = null;
  do {
    const page: ScanPage = await store.scan({ cursor, limit: 1_000 });
    states.push(...page.records.map(({ record }) => record.state));
    cursor = page.cursor;
  } while (cursor !== null);
  return states;
}

const stacks = ([11, 12] as const).flatMap((major) => [
  { major, prefix: null, path: '/', named: 'without a prefix' },
  { major, prefix: 'api', path: '/api/', named: 'with a global prefix' },
]);

describe.each(stacks)('Nest $major $named:', ({ major, prefix, path }) => {
  it.each(storeKinds)('a 404 of an unrouted request is not recorded ($name)', async (kind) => {
    const testbed = await kind.open();
    open.push(testbed);
    const port = await startNest(loadNest(major), testbed, prefix);
    for (const _ of ['the first', 'a retry']) {
      const response = await send(port, { key: 'k', path: `${path}missing` });
      expect([response.status, response.headers['idempotent-replayed']]).toEqual([404, undefined]);
    }
    expect(await statesIn(testbed)).toEqual(['retryable']);
  });

  it.each(storeKinds)('a 404 of a controller is ($name)', async (kind) => {
    const testbed = await kind.open();
    open.push(testbed);
    const port = await startNest(loadNest(major), testbed, prefix);
    expect((await send(port, { key: 'k', path: `${path}pay` })).status).toBe(404);
    expect((await send(port, { key: 'k', path: `${path}pay` })).headers['idempotent-replayed']).toBe('true');
  });
});
