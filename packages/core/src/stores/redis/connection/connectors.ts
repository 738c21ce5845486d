// How the store's own clients open sockets: they request credentials first, and they handle every error of a socket.
import { connect as connectPlain, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { AbstractConnector, RedisOptions } from 'ioredis';
import type { Credentials } from './credentials.js';
import type { IoredisClasses } from './ioredis-module.js';

type Stream = Awaited<ReturnType<AbstractConnector['connect']>>;
type Connector = NonNullable<RedisOptions['Connector']>;
type EmitError = Parameters<AbstractConnector['connect']>[0];

/** What the connections of one client share. */
export interface SharedConnectionState {
  readonly credentials: Credentials;
  /** True if the server has no INFO, with which a client checks whether the server is ready. */
  skipsReadyCheck: boolean;
}

const connectionClosedMessage = 'Connection is closed.';

/** The `Connector` of a standalone client or of a cluster's nodes. It connects to `host` and `port`, or to `path`. */
export function createDirectConnector(
  { AbstractConnector }: Pick<IoredisClasses, 'AbstractConnector'>,
  shared: SharedConnectionState,
): Connector {
  return class DirectConnector extends AbstractConnector {
    readonly #options: RedisOptions;
    readonly #beforeConnect: () => Promise<void>;

    constructor(given: unknown) {
      // These are the client's own options. The client reads them again before it connects.
      const options = given as RedisOptions;
      super(options.disconnectTimeout ?? 0);
      this.#options = options;
      this.#beforeConnect = prepareConnecting(options, shared);
    }

    async connect(): Promise<Stream> {
      this.connecting = true;
      const failure = await catchError(this.#beforeConnect);
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

/** The `Connector` of a client that asks Sentinels for the master. */
export function createSentinelConnector(
  { SentinelConnector }: Pick<IoredisClasses, 'SentinelConnector'>,
  shared: SharedConnectionState,
): Connector {
  return class CredentialsSentinelConnector extends SentinelConnector {
    readonly #beforeConnect: () => Promise<void>;

    constructor(given: unknown) {
      const options = given as RedisOptions & ConstructorParameters<typeof SentinelConnector>[0];
      super(options);
      this.#beforeConnect = prepareConnecting(options, shared);
    }

    override async connect(emit: EmitError): Promise<Stream> {
      this.connecting = true;
      const failure = await catchError(this.#beforeConnect);
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

/** Returns a function to be awaited before each connection attempt with these options. */
function prepareConnecting(options: RedisOptions, shared: SharedConnectionState): () => Promise<void> {
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
  const address = path ? { path } : { port: port ?? 6379, host, family };
  return tls ? connectTls({ ...address, ...tls }) : connectPlain(address);
}

/** A client that gets a destroyed stream reports `firstError`, and connects again later. */
function destroyedStream(): Stream {
  return new Socket().destroy();
}

/**
 * ioredis listens only to the first error of a stream. If it abandons a TLS connection in the middle of the handshake, a
 * second error may follow. Without a listener that error would end the process.
 */
function handleStreamErrors(stream: Stream, onFirstError: (error: Error) => void): Stream {
  stream.once('error', onFirstError);
  return stream.on('error', () => {});
}
