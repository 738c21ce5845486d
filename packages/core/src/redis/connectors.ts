// How the store's own clients open their connections: with credentials that are asked for first, and on sockets of which no
// error is left to nobody.
import { connect as connectPlain, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AbstractConnector, RedisOptions } from 'ioredis';
import type { Credentials } from './credentials.js';

type Ioredis = Pick<typeof import('ioredis'), 'AbstractConnector' | 'SentinelConnector'>;
type Stream = Awaited<ReturnType<AbstractConnector['connect']>>;
type Connector = NonNullable<RedisOptions['Connector']>;
type EmitError = Parameters<AbstractConnector['connect']>[0];

/** What the connections of one client share. */
export interface Connecting {
  readonly credentials: Credentials;
  /** Set where the server does not have INFO, by which a client would ask whether the server is ready. */
  skipsReadyCheck: boolean;
}

const closed = 'Connection is closed.';

/** For the option `Connector` of a client, standalone or of a cluster's nodes: it connects to `host` and `port`, or to `path`. */
export function directConnector({ AbstractConnector }: Ioredis, shared: Connecting): Connector {
  return class DirectConnector extends AbstractConnector {
    readonly #options: RedisOptions;
    readonly #ask: () => Promise<void>;

    constructor(given: unknown) {
      // The client's own options, which it reads again before it connects.
      const options = given as RedisOptions;
      super(options.disconnectTimeout ?? 0);
      this.#options = options;
      this.#ask = prepare(options, shared);
    }

    async connect(): Promise<Stream> {
      this.connecting = true;
      const failure = await failureOf(this.#ask);
      if (!this.connecting) throw new Error(closed);
      this.stream = failure === null ? openStream(this.#options) : failedStream();
      if (failure !== null) this.firstError = failure;
      guard(this.stream, (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };
}

/** The same for clients that ask Sentinels for the master. */
export function sentinelConnector({ SentinelConnector }: Ioredis, shared: Connecting): Connector {
  return class CredentialsSentinelConnector extends SentinelConnector {
    readonly #ask: () => Promise<void>;

    constructor(given: unknown) {
      const options = given as RedisOptions & ConstructorParameters<typeof SentinelConnector>[0];
      super(options);
      this.#ask = prepare(options, shared);
    }

    override async connect(emit: EmitError): Promise<Stream> {
      this.connecting = true;
      const failure = await failureOf(this.#ask);
      if (!this.connecting) throw new Error(closed);
      if (failure === null) {
        const stream = await super.connect(emit);
        return guard(stream, () => {});
      }
      this.firstError = failure;
      this.stream = failedStream();
      return this.stream;
    }
  };
}

/** What is to be done before each connection with these options. */
function prepare(options: RedisOptions, shared: Connecting): () => Promise<void> {
  const ask = shared.credentials.prepare(options);
  return async () => {
    if (shared.skipsReadyCheck) options.enableReadyCheck = false;
    await ask();
  };
}

async function failureOf(ask: () => Promise<void>): Promise<Error | null> {
  return await ask().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

function openStream({ path, port, host, family, tls }: RedisOptions): Stream {
  const where = path ? { path } : { port: port ?? 6379, host, family };
  return tls ? connectTls({ ...where, ...tls }) : connectPlain(where);
}

/** A client that gets a stream which has ended already reports `firstError`, and connects again later. */
function failedStream(): Stream {
  return new Socket().destroy();
}

/**
 * ioredis listens to the first error of a stream. A TLS connection that it leaves in the middle of the handshake may have a
 * second one, which would end the process.
 */
function guard(stream: Stream, onFirstError: (error: Error) => void): Stream {
  stream.once('error', onFirstError);
  return stream.on('error', () => {});
}
