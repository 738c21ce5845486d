// Sandboxes on one Redis for a test, with the effects of their handlers counted beside it.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { v2 } from './http-events.js';
import { LambdaSandbox } from './lambda-host.js';
import type { Command, SandboxSettings } from './processes/lambda-sandbox.js';

export interface SandboxTestbed {
  /** Another sandbox of the same function, which has started. */
  sandbox(settings?: Partial<SandboxSettings>): Promise<LambdaSandbox>;
  /** The attempts that had their effect under this key. */
  effects(key: string): Promise<string[]>;
  /** Whether the signal of the handler that was left at work had aborted. Null: it still works. */
  aborted(key: string): Promise<string | null>;
  /** The jobs that were shipped, in order. */
  shipped(): Promise<string[]>;
}

export function request(key: string, command: Command): object {
  return v2.event({ key, body: JSON.stringify(command) });
}

const closing: (() => Promise<unknown>)[] = [];

export function sandboxTestbed(): SandboxTestbed {
  const prefix = `test:${randomUUID()}:`;
  const url = redisUrl();
  const client = new Redis(url);
  closing.push(() => client.quit());
  return {
    sandbox: async (settings = {}) => {
      const sandbox = new LambdaSandbox({ url, effectsUrl: url, prefix, ...settings });
      closing.push(() => sandbox.close());
      await sandbox.start();
      return sandbox;
    },
    effects: async (key) => await client.lrange(`${prefix}effects:${key}`, 0, -1),
    aborted: async (key) => await client.get(`${prefix}aborted:${key}`),
    shipped: async () => await client.lrange(`${prefix}shipped`, 0, -1),
  };
}

/** To be called once in each file of tests. */
export function closeSandboxes(): void {
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
}
