// The load generator, in its own process: sends payments over a number of connections, and counts the responses.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import { type KeyPlan, Keys } from '../keys.js';
import { randomFrom } from '../random.js';
import { quantile } from '../report/statistics.js';
import { endWithParent, serveRequests } from './child-process.js';

export interface LoadRequest {
  /** The servers that share the connections. */
  readonly urls: readonly string[];
  readonly connections: number;
  readonly keys: KeyPlan;
  /** No request is due later than this, and at most `maxRequests` begin. */
  readonly durationMs: number;
  readonly maxRequests: number;
  /** The size of the text in each request, which its response repeats. */
  readonly noteBytes: number;
  /**
   * Requests are sent at this rate, with random gaps, however slowly the server responds: as many independent clients do. Latency then
   * counts from the moment at which a request was due. Default: each connection sends its next request after the response to the one
   * before.
   */
  readonly arrivals?: Arrivals;
}

export interface Arrivals {
  readonly perSecond: number;
  /** The same seed draws the same gaps. */
  readonly seed: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all requests in ascending order, if they arrived at a rate; else empty. */
  readonly latenciesMs: readonly number[];
  /** The bytes of all response bodies. */
  readonly bodyBytes: number;
  /** How often each status was received. */
  readonly statuses: Readonly<Record<string, number>>;
  /** How many keys were fresh: the work has to be done once for each. */
  readonly freshKeys: number;
  /** Of this process. */
  readonly cpuMicros: number;
}

/** Connections stay open from one order to the next, so that no measurement includes opening them. */
const openClients = new Map<string, Client[]>();

endWithParent();
serveRequests(async (order: LoadRequest) => await new LoadRun(order, clientsFor(order)).run());
process.send?.({});

function clientsFor({ urls, connections }: LoadRequest): Client[] {
  const used = new Map<string, number>();
  return Array.from({ length: connections }, (_, at) => {
    const url = urls[at % urls.length] ?? '';
    const ordinal = used.get(url) ?? 0;
    used.set(url, ordinal + 1);
    const clients = openClients.get(url) ?? [];
    openClients.set(url, clients);
    clients[ordinal] ??= new Client(url, { pipelining: 1, keepAliveTimeout: 600_000 });
    return clients[ordinal];
  });
}

class LoadRun {
  readonly #order: LoadRequest;
  readonly #clients: readonly Client[];
  readonly #keys: Keys;
  readonly #body: string;
  readonly #latencies: number[] = [];
  readonly #statuses: Record<string, number> = {};
  #begun = 0;
  #bodyBytes = 0;
  #endAt = 0;

  constructor(order: LoadRequest, clients: readonly Client[]) {
    this.#order = order;
    this.#clients = clients;
    this.#keys = new Keys(order.keys);
    this.#body = JSON.stringify({ amount: 4_200, currency: 'EUR', note: 'n'.repeat(order.noteBytes) });
  }

  async run(): Promise<LoadResult> {
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    this.#endAt = startedAt + this.#order.durationMs;
    await this.#sendAll();
    const elapsedMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    const latencies = Float64Array.from(this.#latencies).sort();
    return {
      ...{ requests: latencies.length, elapsedMs, statuses: this.#statuses, cpuMicros: user + system },
      ...{ p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), freshKeys: this.#keys.fresh },
      latenciesMs: this.#order.arrivals === undefined ? [] : [...latencies],
      bodyBytes: this.#bodyBytes,
    };
  }

  async #sendAll(): Promise<void> {
    const { arrivals, keys } = this.#order;
    if (arrivals !== undefined) return await this.#runArrivals(arrivals);
    return await (keys.kind === 'bursts' ? this.#runBursts() : this.#runConnections());
  }

  /** Each connection sends its next request after the response to the one before. */
  async #runConnections(): Promise<void> {
    const turns = this.#clients.map(async (client) => {
      while (this.#isUnfinished()) await this.#sendOne(client);
    });
    await Promise.all(turns);
  }

  /** All connections send at once, and all wait for the last response. */
  async #runBursts(): Promise<void> {
    while (this.#isUnfinished()) await Promise.all(this.#clients.map(async (client) => await this.#sendOne(client)));
  }

  /** Requests that are due while all connections are in use wait for the next free one. */
  async #runArrivals({ perSecond, seed }: Arrivals): Promise<void> {
    const random = randomFrom(seed);
    const idle = [...this.#clients];
    const waiting: number[] = [];
    const sent: Promise<void>[] = [];
    const sendOn = async (client: Client, firstDueAt: number): Promise<void> => {
      let dueAt: number | undefined = firstDueAt;
      while (dueAt !== undefined) {
        await this.#sendOne(client, dueAt);
        dueAt = waiting.shift();
      }
      idle.push(client);
    };
    // A request that was due in time is sent, even if this process itself is late.
    for (let dueAt = performance.now(); dueAt < this.#endAt; dueAt += gapMs(perSecond, random())) {
      await until(dueAt);
      const client = idle.pop();
      if (client === undefined) waiting.push(dueAt);
      else sent.push(sendOn(client, dueAt));
    }
    await Promise.all(sent);
  }

  #isUnfinished(): boolean {
    return performance.now() < this.#endAt && this.#begun < this.#order.maxRequests;
  }

  async #sendOne(client: Client, dueAt = performance.now()): Promise<void> {
    this.#begun += 1;
    const key = this.#keys.next();
    const { status, bytes } = await post(client, key, this.#body);
    this.#latencies.push(performance.now() - dueAt);
    this.#bodyBytes += bytes;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
  }
}

/** The gaps between independent arrivals are distributed exponentially. */
function gapMs(perSecond: number, random: number): number {
  return (-Math.log(1 - random) * 1_000) / perSecond;
}

/** A timer is late by a millisecond or so: the last part of the time is spent turning the event loop. */
async function until(dueAt: number): Promise<void> {
  const pauseMs = Math.floor(dueAt - performance.now()) - 1;
  if (pauseMs >= 1) await pause(pauseMs);
  while (performance.now() < dueAt) await nextTurn();
}

const contentType = ['content-type', 'application/json'];

/** Resolves when the whole response has arrived. It checks only the length. */
function post(client: Client, key: string | null, body: string): Promise<{ status: number; bytes: number }> {
  const headers = key === null ? contentType : [...contentType, 'idempotency-key', key];
  return new Promise((resolve, reject) => {
    const response = { status: 0, bytes: 0 };
    client.dispatch(
      { path: '/payments', method: 'POST', headers, body },
      {
        onRequestStart: () => {},
        onResponseStart: (_controller, code) => {
          response.status = code;
        },
        onResponseData: (_controller, chunk) => {
          response.bytes += chunk.length;
        },
        onResponseEnd: () => resolve(response),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}
