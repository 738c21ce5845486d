// How the store's own clients open their connections: with credentials that are asked for first, and on sockets of which no
// error is left to nobody.
import { connect as connectPlain, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AbstractConnector, RedisOptions } from 'ioredis';
import type { Credentials } from './credentials.js';

type IoredisConnectors = Pick<typeof import('ioredis'), 'AbstractConnector' | 'SentinelConnector'>;
type Stream = Awaited<ReturnType<AbstractConnector['connect']>>;
type Connector = NonNullable<RedisOptions['Connector']>;
type EmitError = Parameters<AbstractConnector['connect']>[0];

/** What the connections of one client share. */
export interface SharedConnectionState {
  readonly credentials: Credentials;
  /** Set where the server does not have INFO, by which a client would ask whether the server is ready. */
  skipsReadyCheck: boolean;
}

const connectionClosedMessage = 'Connection is closed.';

/** For the option `Connector` of a client, standalone or of a cluster's nodes: it connects to `host` and `port`, or to `path`. */
export function createDirectConnector(
  { AbstractConnector }: IoredisConnectors,
  shared: SharedConnectionState,
): Connector {
  return class DirectConnector extends AbstractConnector {
    readonly #options: RedisOptions;
    readonly #ask: () => Promise<void>;

    constructor(given: unknown) {
      // The client's own options, which it reads again before it connects.
      const options = given as RedisOptions;
      super(options.disconnectTimeout ?? 0);
      this.#options = options;
      this.#ask = beforeConnect(options, shared);
    }

    async connect(): Promise<Stream> {
      this.connecting = true;
      const failure = await catchError(this.#ask);
      if (!this.connecting) throw new Error(connectionClosedMessage);
      this.stream = failure === null ? openStream(this.#options) : destroyedStream();
      if (failure !== null) this.firstError = failure;
      handleStreamErrors(this.stream, (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };
}

/** The same for clients that ask Sentinels for the master. */
export function createSentinelConnector(
  { SentinelConnector }: IoredisConnectors,
  shared: SharedConnectionState,
): Connector {
  return class CredentialsSentinelConnector extends SentinelConnector {
    readonly #ask: () => Promise<void>;

    constructor(given: unknown) {
      const options = given as RedisOptions & ConstructorParameters<typeof SentinelConnector>[0];
      super(options);
      this.#ask = beforeConnect(options, shared);
    }

    override async connect(emit: EmitError): Promise<Stream> {
      this.connecting = true;
      const failure = await catchError(this.#ask);
      if (!this.connecting) throw new Error(connectionClosedMessage);
      if (failure === null) {
        const stream = await super.connect(emit);
        return handleStreamErrors(stream, () => {});
      }
      this.firstError = failure;
      this.stream = destroyedStream();
      return this.stream;
    }
  };
}

/** What is to be done before each connection with these options. */
function beforeConnect(options: RedisOptions, shared: SharedConnectionState): () => Promise<void> {
  const requestCredentials = shared.credentials.prepareOptions(options);
  return async () => {
    if (shared.skipsReadyCheck) options.enableReadyCheck = false;
    await requestCredentials();
  };
}

async function catchError(action: () => Promise<void>): Promise<Error | null> {
  return await action().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

function openStream({ path, port, host, family, tls }: RedisOptions): Stream {
  const where = path ? { path } : { port: port ?? 6379, host, family };
  return tls ? connectTls({ ...where, ...tls }) : connectPlain(where);
}

/** A client that gets a stream which has ended already reports `firstError`, and connects again later. */
function destroyedStream(): Stream {
  return new Socket().destroy();
}

/**
 * ioredis listens to the first error of a stream. A TLS connection that it leaves in the middle of the handshake may have a
 * second one, which would end the process.
 */
function handleStreamErrors(stream: Stream, onFirstError: (error: Error) => void): Stream {
  stream.once('error', onFirstError);
  return stream.on('error', () => {});
}
