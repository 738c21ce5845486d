// Trials of orders whose workers are killed: what each is to go through, what became of it, and what the other systems saw.
import { randomUUID } from 'node:crypto';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { digest } from '../../packages/core/src/digest.js';
import { startChild } from '../adapters/child-process.js';
import type { Random } from '../model/seeded-random.js';

export const policies = ['rerun', 'block', 'recover'] as const;
export type Policy = (typeof policies)[number];

/** The other systems of `reserve` and `ship` know a call by its key; those of `charge` and `mail` act on every call. */
const stepNames = ['reserve', 'charge', 'ship', 'mail'] as const;
export type StepName = (typeof stepNames)[number];

/** The points of an order that nothing disturbs: each step five, an intent two more, and two at each end. */
export const pointsOfAnOrder = 4 * 5 + 2 * 2 + 2 * 2;

export interface Trial {
  readonly trial: string;
  readonly policy: Policy;
}

/** One order that a worker takes, until it has passed this point or to its end. */
export interface Job extends Trial {
  readonly stopAt: number | null;
  readonly longestPauseMs: number;
}

/** What a worker says of an order: it stands still for good, or it has ended. */
export type WorkerMessage = { readonly trial: string } & ({ readonly stands: string } | { readonly ends: string });

export interface Worker {
  /** Resolves when each of the jobs has ended or stands still, with the end or the point. */
  take(jobs: readonly Job[]): Promise<ReadonlyMap<string, WorkerMessage>>;
  kill(): Promise<void>;
}

export async function startWorker(settings: { url: string; prefix: string; leaseMs: number }): Promise<Worker> {
  const child = await startChild('../../steps/processes/worker.mjs', settings);
  const take: Worker['take'] = async (jobs) => {
    const news = new Map<string, WorkerMessage>();
    return await new Promise((resolve) => {
      const hear = (said: WorkerMessage) => {
        news.set(said.trial, said);
        if (!jobs.every(({ trial }) => news.has(trial))) return;
        child.process.off('message', hear);
        resolve(news);
      };
      child.process.on('message', hear);
      child.process.once('exit', () => resolve(news));
      child.process.send({ jobs });
    });
  };
  return { take, kill: child.kill };
}

/** What the other systems saw of an order, and who was asked about it. */
export interface OrderTraces {
  readonly calls: Readonly<Record<StepName, number>>;
  /** Of those that know a call by its key: how many different ones they acted on. */
  readonly effects: Readonly<Record<'reserve' | 'ship', number>>;
  /** The steps about which a worker asked the other systems. */
  readonly asked: ReadonlySet<string>;
}

export interface Shop {
  readonly prefix: string;
  readonly store: RedisStore;
  readonly nameOf: (trial: string) => string;
  tracesOf(trial: string): Promise<OrderTraces>;
  /** The steps that began and went no further, as far as the record says: an odd number says that one is about to run. */
  doubtsOf(trial: string): Promise<StepName[]>;
  close(): void;
}

export async function openShop(url: string): Promise<Shop> {
  const prefix = `kills:${randomUUID()}:`;
  const client = new Redis(url, { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
  const store = new RedisStore({ client, prefix: `${prefix}records:` });
  const nameOf = (trial: string) => digest(['onceguard function 1', 'shop', trial]);
  return {
    prefix,
    store,
    nameOf,
    tracesOf: async (trial) => {
      const calls = await client.hgetall(`${prefix}calls:${trial}`);
      const called = (step: StepName) => Number(calls[step] ?? 0);
      const effects = async (step: StepName) => await client.scard(`${prefix}effects:${trial}:${step}`);
      return {
        calls: { reserve: called('reserve'), charge: called('charge'), ship: called('ship'), mail: called('mail') },
        effects: { reserve: await effects('reserve'), ship: await effects('ship') },
        asked: new Set(await client.lrange(`${prefix}asked:${trial}`, 0, -1)),
      };
    },
    doubtsOf: async (trial) => {
      const { record } = await store.read(nameOf(trial));
      return stepNames.filter((step) => (record?.steps.get(step)?.seq ?? 0) % 2 === 1);
    },
    close: () => client.disconnect(),
  };
}

/** Groups of so many, in order. */
export function inGroups<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, n) => items.slice(n * size, (n + 1) * size));
}

/** Each at a point of its own. */
export function jobsAtRandomPoints(trials: readonly Trial[], random: Random): Job[] {
  return trials.map((trial) => ({ ...trial, stopAt: random.integer(1, pointsOfAnOrder), longestPauseMs: 0 }));
}
