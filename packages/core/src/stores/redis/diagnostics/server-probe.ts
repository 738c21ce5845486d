// What a server says to a bare socket: clients hide it when a server refuses them before the first command.

import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { unref } from '../../../timers.js';
import { redactForAddress } from '../connection/redact.js';
import { type RedisAddress, serverName } from '../connection/redis-client.js';

/** Why no client gets through. `misconfigured`: time does not help. */
export interface ConnectionFailure {
  readonly class: 'unavailable' | 'misconfigured';
  readonly message: string;
}

/** Some servers speak first when they refuse; so long is listened before anything is sent. */
const bannerWaitMs = 100;

/** Null: a Redis answers there. Takes `timeoutMs` at most, and leaves no connection behind. The message has no password. */
export async function probeServer(address: RedisAddress, timeoutMs: number): Promise<ConnectionFailure | null> {
  const refusal = await findFailure(address, timeoutMs);
  return refusal && { ...refusal, message: redactForAddress(refusal.message, address) };
}

async function findFailure(address: RedisAddress, timeoutMs: number): Promise<ConnectionFailure | null> {
  const lines = await readReplyLines(address, handshakeCommands(address), timeoutMs / 2);
  if (lines.some(isRedisReply)) return lines.map(failureInLine).find((refusal) => refusal !== null) ?? null;
  const [first = ''] = lines;
  if (/^(HTTP\/|<)/.test(first))
    return misconfiguredFailure(`${serverName({ options: address })} is an HTTP server, not a Redis`);
  return await probeOtherTlsMode(address, first, timeoutMs / 2);
}

/** Whether it would answer with TLS, or without. That is asked without a name: nothing but PING is sent. */
async function probeOtherTlsMode({ host, port, path, tls }: RedisAddress, firstLine: string, timeoutMs: number) {
  const plain = { host, port, path };
  const name = serverName({ options: plain });
  const lines = await readReplyLines(tls ? plain : { ...plain, tls: acceptAnyCertificate }, [['PING']], timeoutMs);
  // A server that wants to know who its clients are ends a handshake with an alert, which is TLS too.
  const found = lines.some((line) => isRedisReply(line) || (!tls && /\balert\b/.test(line)));
  if (!found) return { class: 'unavailable', message: `${name}: ${firstLine}` } as const;
  return misconfiguredFailure(`${name} ${tls ? tlsMissingMessage : 'expects TLS: use rediss:// or the option tls'}`);
}

const tlsMissingMessage =
  'does not speak TLS on this port: enable TLS on the server, or use its TLS port. redis:// would send the password and all ' +
  'records unencrypted; use it only where nobody else can read or change what is sent';

const acceptAnyCertificate: ConnectionOptions = { rejectUnauthorized: false };

/** What the client would say first. */
function handshakeCommands({ username, password }: RedisAddress): string[][] {
  // Those that come from a function are no strings.
  const [user, secret] = [username, password].map((credential) => String(credential ?? ''));
  const login = secret ? [['AUTH', ...(user ? [user] : []), secret]] : [];
  // A client asks INFO whether the server is ready.
  return [...login, ['PING'], ['INFO', 'server']];
}

/** What the server says to these commands, or in words why it said nothing. Never rejects. */
function readReplyLines(address: RedisAddress, commands: readonly string[][], timeoutMs: number): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = openSocket(address);
    let received = '';
    const end = (otherwise: string) => {
      clearTimeout(deadline);
      clearTimeout(handshakeTimer);
      socket.destroy();
      resolve(received === '' ? [otherwise] : Buffer.from(received, 'latin1').toString().split(/\r?\n/));
    };
    const deadline = unref(setTimeout(() => end('no answer'), timeoutMs));
    const handshakeTimer = unref(setTimeout(() => socket.write(commands.map(encodeCommand).join('')), bannerWaitMs));
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      if (received.split('\n').length > commands.length || received.length > 1_000) end('');
    });
    socket.on('error', (error) => end(errorReason(error)));
    socket.on('close', () => end('the connection was closed without a word'));
  });
}

/** A command as Redis reads it, whatever characters are in it. */
function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

function openSocket({ host = 'localhost', port = 6379, path, tls }: RedisAddress): Socket {
  const where = path ? { path } : { host, port };
  return !tls ? connectPlain(where) : connectTls({ ...tls, ...where });
}

function isRedisReply(line: string): boolean {
  return /^(\+PONG|\+OK|-[A-Z]+ )/.test(line);
}

function failureInLine(line: string): ConnectionFailure | null {
  if (/^-(DENIED|NOAUTH|WRONGPASS|ERR max number of clients)/.test(line)) return misconfiguredFailure(line.slice(1));
  if (/^-ERR unknown command .{0,3}info/i.test(line)) {
    return misconfiguredFailure(infoMissingMessage);
  }
  if (/^-(LOADING|BUSY|MASTERDOWN)/.test(line)) return { class: 'unavailable', message: line.slice(1) };
  return null;
}

const infoMissingMessage =
  'ERR unknown command INFO: without it the client cannot know whether the server is ready. Leave INFO its name, or set ' +
  'enableReadyCheck: false on the client';

function misconfiguredFailure(message: string): ConnectionFailure {
  return { class: 'misconfigured', message };
}

function errorReason(error: Error): string {
  // Of a name with several addresses Node says nothing but how each of them failed.
  const [first] = error instanceof AggregateError ? error.errors : [];
  return first instanceof Error ? first.message : error.message;
}
