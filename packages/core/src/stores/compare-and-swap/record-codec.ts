// A record as bytes, for tables that know nothing of its fields. docs/own-store.md has the layout.
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { StoreError } from '../../errors.js';
import { isUint8Array, recordNumberLimit } from '../../protocol/argument-checks.js';
import { blankRecord, recordLayout, type StepEntry, type StoredRecord } from '../../protocol/record.js';

/** The first bytes of every encoded record: `ogr`, and the version of the encoding. */
const mark = Buffer.from('ogr');
const encodingVersion = '1'.charCodeAt(0);
const versionOffset = mark.length;
const checksumOffset = 4;
const headLengthOffset = 8;
const headOffset = 12;

const wholeNumber = z.int().min(0).lt(recordNumberLimit);
const text = z.string();
const flag = z.boolean();

/** The fields of a record. Bytes follow the head, so that they need no encoding; the head has their lengths. */
const headSchema = z.strictObject({
  layout: wholeNumber,
  state: z.enum(['in_progress', 'retryable', 'unknown', 'completed', 'removed']),
  fingerprint: text.nullable(),
  ownerToken: text,
  fencingToken: wholeNumber,
  attempt: wholeNumber,
  leaseEndAt: wholeNumber,
  leaseMs: wholeNumber,
  takeover: flag,
  recovering: flag,
  guarded: flag,
  fingerprintBound: flag,
  operation: text,
  label: text.nullable(),
  traceparent: text.nullable(),
  firstAcquiredAt: wholeNumber,
  acquiredAt: wholeNumber,
  recordTtlMs: wholeNumber,
  outcomeTtlMs: wholeNumber,
  unknownTtlMs: wholeNumber,
  note: text.nullable(),
  retryAt: wholeNumber.nullable(),
  decisions: z.array(
    z.strictObject({
      fencingToken: wholeNumber,
      as: z.enum(['done', 'not_done']),
      by: text,
      reason: text,
      at: wholeNumber,
    }),
  ),
  expiresAt: wholeNumber,
  completedAt: wholeNumber.nullable(),
  outcomeEndAt: wholeNumber,
  /** Null: there is no outcome. */
  outcomeLength: wholeNumber.nullable(),
  /** Name, `seq` and length of each step. */
  steps: z.array(z.tuple([text, wholeNumber, wholeNumber])),
});

type RecordHead = z.output<typeof headSchema>;

const { outcome: _outcome, ...blankFields } = blankRecord;
const blankHead: RecordHead = { ...blankFields, decisions: [], outcomeLength: null, steps: [] };

/**
 * The bytes of a record, for a column or a file of a store of your own. Versioned, and with a checksum that covers the key too, so
 * that the record of another key does not pass. `key` is the name of the record.
 *
 * @example
 * const bytes = encodeRecord('order-1', record);
 * await writeFile('order-1', bytes);
 */
export function encodeRecord(key: string, record: StoredRecord): Uint8Array {
  const { outcome, steps, ...fields } = record;
  const parts = [...(outcome === null ? [] : [outcome]), ...[...steps.values()].map(({ bytes }) => bytes)];
  const head = encodeHead({
    ...fields,
    decisions: [...fields.decisions],
    outcomeLength: outcome?.byteLength ?? null,
    steps: [...steps].map(([name, { seq, bytes }]) => [name, seq, bytes.byteLength]),
  });
  // Not of the pool of Buffer: a driver may pass on the whole memory behind an array.
  const encoded = Buffer.alloc(parts.reduce((length, part) => length + part.byteLength, headOffset + head.length));
  mark.copy(encoded);
  encoded[versionOffset] = encodingVersion;
  encoded.writeUInt32BE(head.length, headLengthOffset);
  head.copy(encoded, headOffset);
  let offset = headOffset + head.length;
  for (const part of parts) {
    encoded.set(part, offset);
    offset += part.byteLength;
  }
  encoded.writeUInt32BE(checksum(key, encoded), checksumOffset);
  return encoded;
}

/**
 * The record in the bytes that `encodeRecord` returned for this key. Throws a `StoreError` of class `damaged` for any other bytes, and of
 * class `misconfigured` for a record of another version of onceguard.
 *
 * @example
 * const record = decodeRecord('order-1', await readFile('order-1'));
 */
export function decodeRecord(key: string, bytes: Uint8Array): StoredRecord {
  if (!isUint8Array(bytes)) throw noBytesError(bytes);
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (encoded.length < headOffset || !encoded.subarray(0, mark.length).equals(mark))
    throw damagedError('has bytes that encodeRecord did not write');
  // Before the version: the checksum is in the same place in every version.
  if (encoded.readUInt32BE(checksumOffset) !== checksum(key, encoded))
    throw damagedError('fails its checksum: its bytes were changed, or they belong to another key');
  if (encoded[versionOffset] !== encodingVersion) throw otherVersionError();
  const headEnd = headOffset + encoded.readUInt32BE(headLengthOffset);
  const { outcomeLength, steps, ...fields } = decodeHead(encoded.subarray(headOffset, headEnd));
  const reader = new PartReader(encoded, headEnd);
  const outcome = outcomeLength === null ? null : reader.next(outcomeLength);
  const entries = steps.map(([name, seq, length]): [string, StepEntry] => [name, { seq, bytes: reader.next(length) }]);
  reader.expectEnd();
  return { ...fields, outcome, steps: entries.length === 0 ? blankRecord.steps : new Map(entries) };
}

/** Leaves out what a blank record has too. */
function encodeHead(head: RecordHead): Buffer {
  const isBlank = (name: string, value: unknown) =>
    Array.isArray(value) ? value.length === 0 : value === Reflect.get(blankHead, name);
  const kept = Object.entries(head).filter(([name, value]) => name === 'layout' || !isBlank(name, value));
  return Buffer.from(JSON.stringify(Object.fromEntries(kept)));
}

function decodeHead(bytes: Buffer): RecordHead {
  const fields = parseObject(bytes.toString());
  if (fields.layout !== recordLayout) throw otherVersionError();
  const { data, error } = headSchema.safeParse({ ...blankHead, ...fields });
  if (error === undefined) return data;
  throw damagedError(`has no valid value in ${error.issues[0]?.path.join('.') || 'its head'}`);
}

function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // The same as any other head that is none.
  }
  throw damagedError('has a head that is no JSON object');
}

/** Copies the parts, so that nobody who keeps one can change the bytes of the table. */
class PartReader {
  constructor(
    private readonly encoded: Buffer,
    private offset: number,
  ) {}

  next(length: number): Uint8Array {
    const end = this.offset + length;
    const part = new Uint8Array(this.encoded.subarray(this.offset, end));
    this.offset = end;
    return part;
  }

  expectEnd(): void {
    if (this.offset !== this.encoded.length) throw damagedError('has more or fewer bytes than its head says');
  }
}

/** A CRC-32 over the key and all bytes but those of the checksum. */
function checksum(key: string, encoded: Buffer): number {
  return crc32(encoded.subarray(headLengthOffset), crc32(encoded.subarray(0, checksumOffset), crc32(key)));
}

function noBytesError(value: unknown): StoreError {
  const remedy = 'keep it in a column of bytes, and return these as the driver does, or as Buffer.from(…).';
  return new StoreError('bug', `A record is of type ${typeof value} and not a Uint8Array; ${remedy}`, {
    unreadable: true,
  });
}

function damagedError(damage: string): StoreError {
  const remedy = 'Find out how the work ended, then remove the record or restore a backup.';
  return new StoreError('damaged', `A record ${damage}. ${remedy}`);
}

function otherVersionError(): StoreError {
  const remedy = 'Update onceguard in every process that uses the table.';
  return new StoreError('misconfigured', `A record was written by another version of onceguard. ${remedy}`, {
    unreadable: true,
  });
}
