// A checksum over the bytes that a record keeps: damaged ones are neither replayed nor taken for the result of a step.
import { crc32 } from 'node:zlib';
import { StoreError } from '../errors.js';
import type { StepEntry } from '../protocol/record.js';

/** Hexadecimal digits of a CRC-32, so that bytes in ASCII stay ASCII. */
const checksumDigits = 8;

/** An outcome that writes its bytes itself, straight into the record's memory: a large one is not copied twice. */
export interface OutcomeWriter {
  readonly byteLength: number;
  /** Writes `byteLength` bytes at `offset`. Called once. Nobody changes `target` afterwards. */
  writeTo(target: Buffer, offset: number): void;
}

/** What is recorded of an outcome. The record's name is under the checksum, so that no other record's outcome passes. */
export function addOutcomeChecksum(name: string, outcome: Uint8Array | OutcomeWriter): Buffer {
  return addChecksum(name, outcome);
}

/** The outcome in what is recorded. Throws a `StoreError` of class `damaged`. */
export function verifyOutcome(name: string, recorded: Uint8Array): Buffer {
  return verifyChecksum(name, recorded, 'Its outcome');
}

/** What is recorded of a step: its name and number are under the checksum, too. */
export function addStepChecksum(name: string, step: string, { seq, bytes }: StepEntry): Buffer {
  return addChecksum(stepIdentity(name, step, seq), bytes);
}

/** All steps of a record. Throws a `StoreError` of class `damaged` where one of them is. */
export function verifySteps(name: string, recorded: ReadonlyMap<string, StepEntry>): ReadonlyMap<string, StepEntry> {
  if (recorded.size === 0) return recorded;
  const entries = [...recorded].map(([step, { seq, bytes }]) => {
    const checked = verifyChecksum(stepIdentity(name, step, seq), bytes, `Its step ${step}`);
    return [step, { seq, bytes: checked }] as const;
  });
  return new Map(entries);
}

function stepIdentity(name: string, step: string, seq: number): string {
  return `${name} ${step} ${seq}`;
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
  throw new StoreError(
    'damaged',
    `${what} fails its checksum. Find out what the work came to, then remove the record.`,
  );
}

function checksum(subject: string, bytes: Uint8Array): string {
  return crc32(bytes, crc32(subject)).toString(16).padStart(checksumDigits, '0');
}
