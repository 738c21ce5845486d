// What a server says to a bare socket: clients hide it when a server refuses them before the first command.

import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { unref } from '../timers.js';
import { type RedisAddress, serverName } from './client.js';
import { redactedFor } from './redact.js';

/** Why no client gets through. `misconfigured`: time does not help. */
export interface Refusal {
  readonly class: 'unavailable' | 'misconfigured';
  readonly message: string;
}

/** Some servers speak first when they refuse; so long is listened before anything is sent. */
const firstWordMs = 100;

/** Null: a Redis answers there. Takes `timeoutMs` at most, and leaves no connection behind. The message has no password. */
export async function probe(address: RedisAddress, timeoutMs: number): Promise<Refusal | null> {
  const refusal = await findRefusal(address, timeoutMs);
  return refusal && { ...refusal, message: redactedFor(refusal.message, address) };
}

async function findRefusal(address: RedisAddress, timeoutMs: number): Promise<Refusal | null> {
  const heard = await linesOf(address, greeting(address), timeoutMs / 2);
  if (heard.some(isRedis)) return heard.map(refusalOf).find((refusal) => refusal !== null) ?? null;
  const [first = ''] = heard;
  if (/^(HTTP\/|<)/.test(first))
    return misconfigured(`${serverName({ options: address })} is an HTTP server, not a Redis`);
  return await spokenOtherwise(address, first, timeoutMs / 2);
}

/** Whether it would answer with TLS, or without. That is asked without a name: nothing but PING is sent. */
async function spokenOtherwise({ host, port, path, tls }: RedisAddress, heard: string, timeoutMs: number) {
  const plain = { host, port, path };
  const name = serverName({ options: plain });
  const otherwise = await linesOf(tls ? plain : { ...plain, tls: anyServer }, [['PING']], timeoutMs);
  // A server that wants to know who its clients are ends a handshake with an alert, which is TLS too.
  const found = otherwise.some((line) => isRedis(line) || (!tls && /\balert\b/.test(line)));
  if (!found) return { class: 'unavailable', message: `${name}: ${heard}` } as const;
  return misconfigured(`${name} ${tls ? lacksTls : 'expects TLS: use rediss:// or the option tls'}`);
}

const lacksTls =
  'does not speak TLS on this port: enable TLS on the server, or use its TLS port. redis:// would send the password and all ' +
  'records unencrypted; use it only where nobody else can read or change what is sent';

const anyServer: ConnectionOptions = { rejectUnauthorized: false };

/** What the client would say first. */
function greeting({ username, password }: RedisAddress): string[][] {
  // Those that come from a function are no strings.
  const [user, secret] = [username, password].map((credential) => String(credential ?? ''));
  const login = secret ? [['AUTH', ...(user ? [user] : []), secret]] : [];
  // A client asks INFO whether the server is ready.
  return [...login, ['PING'], ['INFO', 'server']];
}

/** What the server says to these commands, or in words why it said nothing. Never rejects. */
function linesOf(address: RedisAddress, commands: readonly string[][], timeoutMs: number): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = open(address);
    let read = '';
    const end = (otherwise: string) => {
      clearTimeout(deadline);
      clearTimeout(greet);
      socket.destroy();
      resolve(read === '' ? [otherwise] : Buffer.from(read, 'latin1').toString().split(/\r?\n/));
    };
    const deadline = unref(setTimeout(() => end('no answer'), timeoutMs));
    const greet = unref(setTimeout(() => socket.write(commands.map(encoded).join('')), firstWordMs));
    socket.on('data', (bytes) => {
      read += bytes.toString('latin1');
      if (read.split('\n').length > commands.length || read.length > 1_000) end('');
    });
    socket.on('error', (error) => end(reasonOf(error)));
    socket.on('close', () => end('the connection was closed without a word'));
  });
}

/** A command as Redis reads it, whatever characters are in it. */
function encoded(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

function open({ host = 'localhost', port = 6379, path, tls }: RedisAddress): Socket {
  const where = path ? { path } : { host, port };
  return !tls ? connectPlain(where) : connectTls({ ...tls, ...where });
}

function isRedis(line: string): boolean {
  return /^(\+PONG|\+OK|-[A-Z]+ )/.test(line);
}

function refusalOf(line: string): Refusal | null {
  if (/^-(DENIED|NOAUTH|WRONGPASS|ERR max number of clients)/.test(line)) return misconfigured(line.slice(1));
  if (/^-ERR unknown command .{0,3}info/i.test(line)) {
    return misconfigured(lacksInfo);
  }
  if (/^-(LOADING|BUSY|MASTERDOWN)/.test(line)) return { class: 'unavailable', message: line.slice(1) };
  return null;
}

const lacksInfo =
  'ERR unknown command INFO: without it the client cannot know whether the server is ready. Leave INFO its name, or set ' +
  'enableReadyCheck: false on the client';

function misconfigured(message: string): Refusal {
  return { class: 'misconfigured', message };
}

function reasonOf(error: Error): string {
  // Of a name with several addresses Node says nothing but how each of them failed.
  const [first] = error instanceof AggregateError ? error.errors : [];
  return first instanceof Error ? first.message : error.message;
}
