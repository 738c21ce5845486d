// What all cases share: servers and clients for one test, the ways in which users connect a store, and the final check.
import { randomUUID } from 'node:crypto';
import { drainStore, type EventName, type Events, type IdempotencyStore, onEvent } from '@onceguard/core';
import { type ConnectOptions, RedisStore } from '@onceguard/core/redis';
import { type RedisServer, type StartRedisOptions, startFaultProxy, startRedis } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterAll, afterEach, test as base, beforeAll, expect } from 'vitest';
import { AuditedPayments, type PaymentLog } from './audited-payments.js';

/** The environment of one test. It stops everything that it started; its keys are its own. */
export class Lab {
  readonly prefix = `faults:${randomUUID()}:`;
  /** How often one key may run in this case. */
  maxRunsPerKey = 1;
  /** The keys for whose results the store had no room. */
  readonly resultsNotKept = new Set<string>();
  readonly #paymentLogs = new Map<string, PaymentLog>();
  readonly #payments: AuditedPayments[] = [];
  readonly #cleanups: (() => unknown)[] = [];

  async redis(options?: StartRedisOptions): Promise<RedisServer> {
    const server = await startRedis(options);
    this.onEnd(() => server.stop());
    return server;
  }

  async proxy(target: string) {
    const proxy = await startFaultProxy(target);
    this.onEnd(() => proxy.close());
    return proxy;
  }

  /** A store with its own connection. */
  async connect(url: string, options: ConnectOptions = {}): Promise<RedisStore> {
    const store = await RedisStore.connect({ url, prefix: this.prefix, ...options });
    this.onEnd(() => store.close());
    return store;
  }

  /** A store on a user's client. */
  storeOnClient(client: Redis | Redis5, options: { callTimeoutMs?: number } = {}): RedisStore {
    client.on('error', () => {});
    this.onEnd(() => client.disconnect());
    return new RedisStore({ client, prefix: this.prefix, ...options });
  }

  payments(store: IdempotencyStore): AuditedPayments {
    const payments = new AuditedPayments(store, this.#paymentLogs);
    this.#payments.push(payments);
    return payments;
  }

  /** Collects the events from now on. */
  collectEvents<Name extends EventName>(name: Name): Events[Name][] {
    const collected: Events[Name][] = [];
    this.onEnd(onEvent(name, (event) => collected.push(event)));
    return collected;
  }

  onEnd(end: () => unknown): void {
    this.#cleanups.unshift(end);
  }

  /**
   * When all works again: no calls are queued, no key ran too often, and every recorded result is one that a run
   * returned.
   */
  async expectConsistent(): Promise<void> {
    for (const { store } of this.#payments) expect(await drainStore(store, { timeoutMs: 60_000 })).toBe(true);
    const [payments] = this.#payments;
    for (const [key, { runs, results }] of this.#paymentLogs) {
      expect(runs).toBeLessThanOrEqual(this.maxRunsPerKey);
      if (this.resultsNotKept.has(key)) expect(await payments?.pay(key)).toBe('expired');
      else if (results.size > 0)
        expect([...results].map((result) => `${result}, replayed`)).toContain(await payments?.pay(key));
    }
  }

  async end(): Promise<void> {
    for (const end of this.#cleanups) await end();
  }
}

/** A test that gets a lab, and passes only if its audit is consistent. */
export const test = base.extend<{ readonly lab: Lab }>({
  lab: async ({ task }, use) => {
    const lab = new Lab();
    try {
      await use(lab);
      if (task.result?.state !== 'fail') await lab.expectConsistent();
    } finally {
      await lab.end();
    }
  },
});

/** Matches the scripts of the verbs as sent, and not that of the check, which runs once when a client is ready. */
export const verbScripts = /\bevalsha\b[\s\S]*\{(?!check\})/i;

/** How users connect a store. Cases 1 to 4 on a user's client are case 5. */
export const connectionKinds = [
  {
    name: 'a connection of the store',
    titled: (number: number, claim: string) => `${number}. ${claim}`,
    /**
     * The longest pause between two connection attempts, or between two checks whether a server has loaded its data.
     */
    longestPauseMs: 600,
    open: async (lab: Lab, url: string) => await lab.connect(url),
  },
  ...[
    { version: 6, make: (url: string) => new Redis(url) },
    { version: 5, make: (url: string) => new Redis5(url) },
  ].map(({ version, make }) => ({
    name: `a client with the default options of ioredis ${version}`,
    titled: (number: number, claim: string) => `5. (as ${number}) ${claim}`,
    longestPauseMs: 10_000,
    open: async (lab: Lab, url: string) => lab.storeOnClient(make(url)),
  })),
];

const rejections: unknown[] = [];
const noteRejection = (reason: unknown) => void rejections.push(reason);

beforeAll(() => void process.on('unhandledRejection', noteRejection));
afterAll(() => void process.off('unhandledRejection', noteRejection));
afterEach(() => {
  expect(rejections.splice(0)).toEqual([]);
});
