// The rows of the run that compares adapters: each framework bare and guarded.
import type { RequestListener } from 'node:http';
import * as core from '@onceguard/core';
import type { Row } from './row.js';

export const frameworkNames = ['express', 'fastify', 'hono', 'nest'] as const;

export type FrameworkName = (typeof frameworkNames)[number];

/** On a store that costs as little as can be. */
export const frameworkRows: readonly Row[] = frameworkNames.flatMap((framework) => [
  {
    name: `${framework}-bare`,
    title: `bare ${framework}`,
    kind: 'bare',
    note: 'no guard at all',
    keepsInRedis: false,
    open: async () => await openFramework(framework, null),
  },
  {
    name: `${framework}-guarded`,
    title: `${framework} with its adapter`,
    kind: 'ours',
    note: '`MemoryStore`',
    keepsInRedis: false,
    open: async () => await openFramework(framework, new core.MemoryStore({ maxScopeShare: 1 })),
  },
]);

async function openFramework(framework: FrameworkName, store: core.IdempotencyStore | null): Promise<RequestListener> {
  switch (framework) {
    case 'express':
      return (await import('./apps/frameworks/express.js')).expressApp(store);
    case 'fastify':
      return await (await import('./apps/frameworks/fastify.js')).fastifyApp(store);
    case 'hono':
      return (await import('./apps/frameworks/hono.js')).honoApp(store);
    case 'nest':
      return await (await import('./apps/frameworks/nest.js')).nestApp(store);
  }
}
