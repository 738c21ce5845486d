// What all cases share: a test's own servers and clients, how users come to a store, and what holds at the end of each.
import { randomUUID } from 'node:crypto';
import { drain, type EventName, type Events, type IdempotencyStore, onEvent } from '@onceguard/core';
import { type ConnectOptions, RedisStore } from '@onceguard/core/redis';
import { type RedisServer, type StartRedisOptions, startFaultProxy, startRedis } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterAll, afterEach, test as base, beforeAll, expect } from 'vitest';
import { type Account, Till } from './till.js';

/** The surroundings of one test. Everything that it starts ends with it; its keys are its own. */
export class Lab {
  readonly prefix = `faults:${randomUUID()}:`;
  /** How often one key may run in this case. */
  runsAtMost = 1;
  /** The keys whose results the store had no room for. */
  readonly resultsNotKept = new Set<string>();
  readonly #books = new Map<string, Account>();
  readonly #tills: Till[] = [];
  readonly #ends: (() => unknown)[] = [];

  async redis(options?: StartRedisOptions): Promise<RedisServer> {
    const server = await startRedis(options);
    this.atEnd(() => server.stop());
    return server;
  }

  async proxy(target: string) {
    const proxy = await startFaultProxy(target);
    this.atEnd(() => proxy.close());
    return proxy;
  }

  /** A store with a connection of its own. */
  async connect(url: string, options: ConnectOptions = {}): Promise<RedisStore> {
    const store = await RedisStore.connect({ url, prefix: this.prefix, ...options });
    this.atEnd(() => store.close());
    return store;
  }

  /** A store on a client of its user's. */
  on(client: Redis | Redis5, options: { storeTimeoutMs?: number } = {}): RedisStore {
    client.on('error', () => {});
    this.atEnd(() => client.disconnect());
    return new RedisStore({ client, prefix: this.prefix, ...options });
  }

  till(store: IdempotencyStore): Till {
    const till = new Till(store, this.#books);
    this.#tills.push(till);
    return till;
  }

  /** What is told from now on, to be looked at. */
  events<Name extends EventName>(name: Name): Events[Name][] {
    const heard: Events[Name][] = [];
    this.atEnd(onEvent(name, (event) => heard.push(event)));
    return heard;
  }

  atEnd(end: () => unknown): void {
    this.#ends.unshift(end);
  }

  /** Once all is well again: everything is said, no key ran too often, and what is on record is what a run returned. */
  async balance(): Promise<void> {
    for (const { store } of this.#tills) expect(await drain(store)).toBe(true);
    const [till] = this.#tills;
    for (const [key, { runs, results }] of this.#books) {
      expect(runs).toBeLessThanOrEqual(this.runsAtMost);
      if (this.resultsNotKept.has(key)) expect(await till?.pay(key)).toBe('expired');
      else if (results.size > 0) expect([...results].map((one) => `${one}, replayed`)).toContain(await till?.pay(key));
    }
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end();
  }
}

/** A test that gets a lab, and passes only if its books balance. */
export const test = base.extend<{ readonly lab: Lab }>({
  lab: async ({ task }, use) => {
    const lab = new Lab();
    try {
      await use(lab);
      if (task.result?.state !== 'fail') await lab.balance();
    } finally {
      await lab.end();
    }
  },
});

/** The scripts of the verbs as they are sent, and not that of the check, which runs once when a client is ready. */
export const verbs = /\bevalsha\b[\s\S]*\{(?!check\})/i;

/** How users come to a store. Cases 1 to 4 on a client of the user's are case 5. */
export const ways = [
  {
    name: 'a connection of the store',
    titled: (number: number, claim: string) => `${number}. ${claim}`,
    /** Between two looks whether a server has loaded its data, or to connect to it. */
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
    open: async (lab: Lab, url: string) => lab.on(make(url)),
  })),
];

const rejections: unknown[] = [];
const note = (reason: unknown) => void rejections.push(reason);

beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));
afterEach(() => {
  expect(rejections.splice(0)).toEqual([]);
});
