// Probes a server on a plain socket. A client hides the error text of a server that refuses it before the first command.

import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { unref } from '../../../timers.js';
import type { ConnectionFailure } from '../connection/client-observer.js';
import { redactForAddress } from '../connection/redact.js';
import type { RedisAddress } from '../connection/redis-client.js';
import { isInfoMissing } from '../connection/server-error-patterns.js';
import { serverName } from '../connection/server-name.js';

/** Long enough for a server on another continent to send its first line. */
export const probeTimeoutMs = 1_000;

/** A server that refuses a connection may send its error at once. The probe waits this long before it sends anything. */
const bannerWaitMs = 100;

/**
 * Null: a Redis replies at this address. Takes at most `timeoutMs`, and closes its connections. The message has no secrets.
 */
export async function probeServer(address: RedisAddress, timeoutMs: number): Promise<ConnectionFailure | null> {
  const failure = await findFailure(address, timeoutMs);
  return failure && { ...failure, message: redactForAddress(failure.message, address) };
}

async function findFailure(address: RedisAddress, timeoutMs: number): Promise<ConnectionFailure | null> {
  const lines = await readReplyLines(address, handshakeCommands(address), timeoutMs / 2);
  if (lines.some(isRedisReply)) return lines.map(failureInLine).find((failure) => failure !== null) ?? null;
  const [first = ''] = lines;
  if (/^(HTTP\/|<)/.test(first))
    return misconfiguredFailure(`${serverName({ options: address })} is an HTTP server, not a Redis`);
  return await probeOtherTlsMode(address, first, timeoutMs / 2);
}

/** Tries the connection with TLS if the options have none, and without if they have. Sends only PING, and no credentials. */
async function probeOtherTlsMode({ host, port, path, tls }: RedisAddress, firstLine: string, timeoutMs: number) {
  const plain = { host, port, path };
  const name = serverName({ options: plain });
  const lines = await readReplyLines(tls ? plain : { ...plain, tls: acceptAnyCertificate }, [['PING']], timeoutMs);
  // A server that requires client certificates ends the handshake with an alert, which proves that it speaks TLS.
  const repliesInOtherMode = lines.some((line) => isRedisReply(line) || (!tls && /\balert\b/.test(line)));
  if (!repliesInOtherMode) return { class: 'unavailable', message: `${name}: ${firstLine}` } as const;
  return misconfiguredFailure(`${name} ${tls ? tlsMissingMessage : 'expects TLS: use rediss:// or the option tls'}`);
}

const tlsMissingMessage =
  'does not speak TLS on this port: enable TLS on the server, or use its TLS port. redis:// would send the password and all ' +
  'records unencrypted; use it only where nobody else can read or change the traffic';

const acceptAnyCertificate: ConnectionOptions = { rejectUnauthorized: false };

/** The commands that a client sends first. */
function handshakeCommands({ username, password }: RedisAddress): string[][] {
  // Credentials from a function are objects that convert to text.
  const [user, secret] = [username, password].map((credential) => String(credential ?? ''));
  const login = secret ? [['AUTH', ...(user ? [user] : []), secret]] : [];
  // A client checks with INFO whether the server is ready.
  return [...login, ['PING'], ['INFO', 'server']];
}

/** Resolves with the reply lines of the server, or with one line that says why there is no reply. Never rejects. */
function readReplyLines(address: RedisAddress, commands: readonly string[][], timeoutMs: number): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = openSocket(address);
    let received = '';
    const end = (reason: string) => {
      clearTimeout(deadline);
      clearTimeout(handshakeTimer);
      socket.destroy();
      resolve(received === '' ? [reason] : Buffer.from(received, 'latin1').toString().split(/\r?\n/));
    };
    const deadline = unref(setTimeout(() => end('no reply'), timeoutMs));
    const handshakeTimer = unref(setTimeout(() => socket.write(commands.map(encodeCommand).join('')), bannerWaitMs));
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (received.split('\n').length > commands.length || received.length > 1_000) end('');
    });
    socket.on('error', (error) => end(errorReason(error)));
    socket.on('close', () => end('the connection was closed without a reply'));
  });
}

/** Encodes a command in the Redis protocol, which allows any bytes in the words. */
function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

function openSocket({ host = 'localhost', port = 6379, path, tls }: RedisAddress): Socket {
  const address = path ? { path } : { host, port };
  return !tls ? connectPlain(address) : connectTls({ ...tls, ...address });
}

function isRedisReply(line: string): boolean {
  return /^(\+PONG|\+OK|-[A-Z]+ )/.test(line);
}

function failureInLine(line: string): ConnectionFailure | null {
  if (!line.startsWith('-')) return null;
  const message = line.slice(1);
  if (/^(DENIED|NOAUTH|WRONGPASS|ERR max number of clients)/.test(message)) return misconfiguredFailure(message);
  if (isInfoMissing(message)) return misconfiguredFailure(infoMissingMessage);
  return /^(LOADING|BUSY|MASTERDOWN)/.test(message) ? { class: 'unavailable', message } : null;
}

const infoMissingMessage =
  'ERR unknown command INFO: without it the client cannot know whether the server is ready. Leave INFO its name, or set ' +
  'enableReadyCheck: false on the client';

function misconfiguredFailure(message: string): ConnectionFailure {
  return { class: 'misconfigured', message };
}

function errorReason(error: Error): string {
  // If a name has several addresses, Node reports only the errors of the single attempts.
  const [first] = error instanceof AggregateError ? error.errors : [];
  return first instanceof Error ? first.message : error.message;
}
