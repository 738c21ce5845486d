// Checksums over the recorded bytes: damaged bytes are neither replayed nor used as the result of a step.
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.js';
import type { StepEntry } from '../protocol/record.js';

/** A CRC-32 in hexadecimal digits, so that a record of ASCII bytes stays ASCII. */
const checksumDigits = 8;

/** An outcome that writes its bytes itself, straight into the record's memory: a large one is not copied twice. */
export interface OutcomeWriter {
  readonly byteLength: number;
  /** Writes `byteLength` bytes at `offset`. Called once. Nobody changes `target` afterwards. */
  writeTo(target: Buffer, offset: number): void;
}

/** The bytes to record for an outcome. The checksum covers the record's name too, so that another record's outcome does not pass. */
export function addOutcomeChecksum(recordName: string, outcome: Uint8Array | OutcomeWriter): Buffer {
  return addChecksum(recordName, outcome);
}

/** The outcome in the recorded bytes. Throws a `StoreError` of class `damaged` where the checksum does not match. */
export function verifyOutcome(recordName: string, recorded: Uint8Array): Buffer {
  return verifyChecksum(recordName, recorded, 'Its outcome');
}

/** The bytes to record for a step. The checksum covers its name and its number too. */
export function addStepChecksum(recordName: string, step: string, { seq, bytes }: StepEntry): Buffer {
  return addChecksum(stepIdentity(recordName, step, seq), bytes);
}

/** The steps in the recorded bytes. Throws a `StoreError` of class `damaged` where the checksum of one does not match. */
export function verifySteps(
  recordName: string,
  recorded: ReadonlyMap<string, StepEntry>,
): ReadonlyMap<string, StepEntry> {
  if (recorded.size === 0) return recorded;
  const entries = [...recorded].map(([step, { seq, bytes }]) => {
    const verified = verifyChecksum(stepIdentity(recordName, step, seq), bytes, `Its step ${step}`);
    return [step, { seq, bytes: verified }] as const;
  });
  return new Map(entries);
}

function stepIdentity(recordName: string, step: string, seq: number): string {
  return `${recordName} ${step} ${seq}`;
}

function addChecksum(subject: string, content: Uint8Array | OutcomeWriter): Buffer {
  const recorded = Buffer.allocUnsafe(checksumDigits + content.byteLength);
  if ('writeTo' in content) content.writeTo(recorded, checksumDigits);
  else recorded.set(content, checksumDigits);
  recorded.write(checksum(subject, recorded.subarray(checksumDigits)), 'latin1');
  return recorded;
}

function verifyChecksum(subject: string, recorded: Uint8Array, what: string): Buffer {
  const view = Buffer.from(recorded.buffer, recorded.byteOffset, recorded.byteLength);
  const bytes = view.subarray(checksumDigits);
  if (view.toString('latin1', 0, checksumDigits) === checksum(subject, bytes)) return bytes;
  throw new StoreError('damaged', `${what} fails its checksum. Find out how the work ended, then remove the record.`);
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** By a table: `toString(16)` treats the number as a fraction, and takes five times as long. */
function checksum(subject: string, bytes: Uint8Array): string {
  const crc = crc32(bytes, crc32(subject));
  return `${hexOfByte[crc >>> 24]}${hexOfByte[(crc >>> 16) & 255]}${hexOfByte[(crc >>> 8) & 255]}${hexOfByte[crc & 255]}`;
}
