// What a careful engineer writes by hand: a claim, an end that only its owner can write, and the response captured at `res.end`.
import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { Redis } from 'ioredis';
import { idempotencyKeyOf, paymentsApp } from './payment.js';

const claimMs = 30_000;
const keepMs = 86_400_000;

/** A key holds its owner's token while the work is done, and the response when it is. */
const ownerPrefix = 'owner:';

const scripts = {
  /** KEYS: the record. ARGV: the owner, milliseconds. Replies nil if the caller has become the owner, else the record. */
  claim: {
    numberOfKeys: 1,
    lua: `
      if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return false end
      return redis.call('GET', KEYS[1])`,
  },
  /** KEYS: the record. ARGV: the owner, the response, ms. Replies 1, or 0 if somebody else owns the key. */
  complete: {
    numberOfKeys: 1,
    lua: `
      if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
      redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
      return 1`,
  },
};

interface Scripts {
  claim(key: string, owner: string, ms: number): Promise<string | null>;
  complete(key: string, owner: string, response: string, ms: number): Promise<0 | 1>;
}

interface Recorded {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export async function byHandApp(redisUrl: string) {
  // ioredis adds a method for each script.
  const redis = new Redis(redisUrl, { scripts }) as Redis & Scripts;
  await redis.ping();
  return paymentsApp(guard(redis));
}

function guard(redis: Scripts): RequestHandler {
  return async (req, res, next) => {
    const key = `by-hand:${idempotencyKeyOf(req)}`;
    const owner = ownerPrefix + randomUUID();
    const found = await redis.claim(key, owner, claimMs);
    if (found?.startsWith(ownerPrefix)) return void res.status(409).json({ error: 'in progress' });
    if (found !== null) return replay(res, JSON.parse(found));
    recordBeforeEnd(res, async (recorded) => {
      const isRecorded = await redis.complete(key, owner, JSON.stringify(recorded), keepMs);
      if (isRecorded === 0) throw new Error('The claim was lost.');
    });
    next();
  };
}

function replay(res: Response, { status, type, body }: Recorded): void {
  res.status(status).set('Content-Type', type).set('Idempotent-Replayed', 'true').send(body);
}

/** Holds `end` back until `record` has succeeded. It does not work for a response that is written in pieces. */
function recordBeforeEnd(res: Response, record: (recorded: Recorded) => Promise<void>): void {
  const end = res.end.bind(res);
  res.end = ((chunk: string | Buffer = '', encoding: BufferEncoding = 'utf8') => {
    res.end = end;
    const body = typeof chunk === 'string' ? Buffer.from(chunk, encoding).toString() : chunk.toString();
    record({ status: res.statusCode, type: String(res.getHeader('Content-Type')), body }).then(
      () => end(chunk, encoding),
      () => res.socket?.destroy(),
    );
    return res;
  }) as Response['end'];
}
