// The records of a RedisStore, as a failover or an eviction changes them.
import type { Redis } from 'ioredis';
import type { StoredRecord } from '../../packages/core/src/protocol/record.js';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import type { StoredData } from './stored-data.js';

/** Redis removes a record this long after its end. */
const recordGraceMs = 60_000;

interface Copy {
  readonly record: Buffer;
  readonly side: Buffer | null;
  readonly indexScore: string | null;
}

export function redisData(redis: Redis, prefix: string): StoredData {
  return {
    recordGraceMs,
    async lose(key, random) {
      const { record, side } = recordKeys(prefix, key);
      await (random.chance(0.5) ? redis.del(record) : redis.del(record, side));
    },
    async losePart(key, model) {
      // A record that has lost its steps is damaged; another test covers that.
      if (model.steps.size > 0) return model;
      await redis.del(recordKeys(prefix, key).side);
      return withoutSideOutcome(model);
    },
    async save(key) {
      const names = recordKeys(prefix, key);
      const [record, side] = await Promise.all([redis.dumpBuffer(names.record), redis.dumpBuffer(names.side)]);
      return record ? { record, side: side ?? null, indexScore: await redis.zscore(names.index, key) } : null;
    },
    async restore(key, copy, model) {
      const { record, side, index } = recordKeys(prefix, key);
      const saved = copy as Copy;
      await redis.del(record, side);
      // The index goes back with the record, as it was replicated with it.
      const { indexScore } = saved;
      await (indexScore === null ? redis.zrem(index, key) : redis.zadd(index, indexScore, key));
      await redis.restore(record, model.expiresAt + recordGraceMs, saved.record, 'ABSTTL');
      if (saved.side === null) return;
      const endAt = model.state === 'completed' ? model.outcomeEndAt : model.expiresAt;
      await redis.restore(side, endAt + recordGraceMs, saved.side, 'ABSTTL');
    },
    /** The index has the record, looks at it no later than at the end of its lease, and outlives it. */
    async findIndexFault(key, { leaseEndAt }) {
      const { record, index } = recordKeys(prefix, key);
      const [score, recordTtlMs, indexTtlMs] = await Promise.all([
        redis.zscore(index, key),
        redis.pttl(record),
        redis.pttl(index),
      ]);
      const isListed = score !== null && Number(score) <= leaseEndAt && indexTtlMs >= recordTtlMs - 1_000;
      return isListed ? null : { score, indexTtlMs, recordTtlMs };
    },
  };
}

/** An outcome that expires before its record is in a side key. */
function withoutSideOutcome(record: StoredRecord): StoredRecord {
  const { outcome, outcomeEndAt, expiresAt } = record;
  return { ...record, outcome: outcomeEndAt === expiresAt ? outcome : null };
}
