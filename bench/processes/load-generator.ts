// The load generator, in its own process: sends payments over a number of connections, and counts the responses.
import { Client } from 'undici';
import { type KeyPlan, Keys } from '../keys.js';
import { quantile } from '../report/statistics.js';
import { endWithParent, serveRequests } from './child-process.js';

export interface LoadRequest {
  /** The servers that share the connections. */
  readonly urls: readonly string[];
  readonly connections: number;
  readonly keys: KeyPlan;
  /** No request begins later than this, and at most `maxRequests` begin. */
  readonly durationMs: number;
  readonly maxRequests: number;
  /** The size of the text in each request, which its response repeats. */
  readonly noteBytes: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
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
    await (this.#order.keys.kind === 'bursts' ? this.#runBursts() : this.#runConnections());
    const elapsedMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    const latencies = Float64Array.from(this.#latencies).sort();
    return {
      ...{ requests: latencies.length, elapsedMs, statuses: this.#statuses, cpuMicros: user + system },
      ...{ p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), freshKeys: this.#keys.fresh },
      bodyBytes: this.#bodyBytes,
    };
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

  #isUnfinished(): boolean {
    return performance.now() < this.#endAt && this.#begun < this.#order.maxRequests;
  }

  async #sendOne(client: Client): Promise<void> {
    this.#begun += 1;
    const key = this.#keys.next();
    const sentAt = performance.now();
    const { status, bytes } = await post(client, key, this.#body);
    this.#latencies.push(performance.now() - sentAt);
    this.#bodyBytes += bytes;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
  }
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
