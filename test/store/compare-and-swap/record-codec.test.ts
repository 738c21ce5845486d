// A record as bytes: the published layout, and what is not read.

import { crc32 } from 'node:zlib';
import { decodeRecord, encodeRecord, idempotencyProtocol as protocol, type StoredRecord } from '@onceguard/core/store';
import { expect, test } from 'vitest';

const completed: StoredRecord = {
  ...protocol.blankRecord,
  state: 'completed',
  fingerprint: 'v1:a',
  ownerToken: 'owner-1',
  fencingToken: 1_790_000_000_000,
  attempt: 2,
  takeover: true,
  guarded: true,
  operation: 'créer ✓',
  label: 'order "17"',
  traceparent: `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`,
  firstAcquiredAt: 1,
  acquiredAt: 2,
  recordTtlMs: 3,
  outcomeTtlMs: 4,
  unknownTtlMs: 5,
  note: 'a note',
  decisions: [{ fencingToken: 6, as: 'not_done', by: 'Ben', reason: 'line\nbreak', at: 7 }],
  expiresAt: 8,
  completedAt: 9,
  outcome: new Uint8Array([0, 255, 13, 10]),
  outcomeEndAt: 10,
};

const inProgress: StoredRecord = {
  ...protocol.blankRecord,
  ownerToken: 'owner-1',
  operation: 'pay',
  steps: new Map([
    ['charge', { seq: 2, bytes: new Uint8Array([1, 2, 3]) }],
    ['empty', { seq: 1, bytes: new Uint8Array(0) }],
  ]),
};

const cases: [what: string, record: StoredRecord][] = [
  ['a blank one', protocol.blankRecord],
  ['a completed one', completed],
  ['one with an empty outcome', { ...completed, outcome: new Uint8Array(0) }],
  ['a tombstone', { ...completed, outcome: null }],
  ['one with steps', inProgress],
];

test.each(cases)('A record is read as it was written: %s', (_what, record) => {
  expect(decodeRecord('order-1', encodeRecord('order-1', record))).toEqual(record);
});

test('The layout of the bytes is the published one', () => {
  const bytes = Buffer.from(encodeRecord('order-1', inProgress));
  expect(bytes.toString('latin1', 0, 4)).toBe('ogr1');
  const head = '{"layout":3,"ownerToken":"owner-1","operation":"pay","steps":[["charge",2,3],["empty",1,0]]}';
  expect(bytes.readUInt32BE(8)).toBe(head.length);
  expect(bytes.toString('utf8', 12, 12 + head.length)).toBe(head);
  expect([...bytes.subarray(12 + head.length)]).toEqual([1, 2, 3]);
  expect(bytes.readUInt32BE(4)).toBe(crc32(bytes.subarray(8), crc32(bytes.subarray(0, 4), crc32('order-1'))));
});

test('A record with one changed bit is damaged, wherever the bit is', () => {
  const bytes = encodeRecord('order-1', completed);
  for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => decodeRecord('order-1', changed), `bit ${bit}`).toThrow(expect.objectContaining({ class: 'damaged' }));
  }
});

test('A record that is cut off or has more bytes is damaged, and so is that of another key', () => {
  const bytes = encodeRecord('order-1', completed);
  for (let length = 0; length < bytes.length; length += 1)
    expect(() => decodeRecord('order-1', bytes.subarray(0, length))).toThrow(
      expect.objectContaining({ class: 'damaged' }),
    );
  const longer = Buffer.concat([bytes, Buffer.alloc(1)]);
  expect(() => decodeRecord('order-1', longer)).toThrow(
    expect.objectContaining({ class: 'damaged', unreadable: true }),
  );
  expect(() => decodeRecord('Order-1', bytes)).toThrow(expect.objectContaining({ class: 'damaged' }));
});

/** The bytes with a change, and a checksum that is right. */
function forged(change: (bytes: Buffer) => Buffer): Uint8Array {
  const bytes = change(Buffer.from(encodeRecord('order-1', inProgress)));
  bytes.writeUInt32BE(crc32(bytes.subarray(8), crc32(bytes.subarray(0, 4), crc32('order-1'))), 4);
  return bytes;
}

const inHead = (from: string, to: string) =>
  forged((bytes) => Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1'));

test('A record of another encoding or of another layout is refused until onceguard is updated', () => {
  const others = [inHead('ogr1', 'ogr2'), inHead('"layout":3', '"layout":4')];
  for (const other of others) {
    const error = { class: 'misconfigured', unreadable: true, message: expect.stringMatching(/another version/) };
    expect(() => decodeRecord('order-1', other)).toThrow(expect.objectContaining(error));
  }
});

test.each([
  ['a field that no version knows', inHead('"operation":', '"operatioN":')],
  ['a text where a number belongs', inHead('["charge",2,3]', '["charge",2,""]')],
  ['a length beyond the end', inHead('["charge",2,3]', '["charge",2,4]')],
  ['a length that leaves bytes over', inHead('["charge",2,3]', '["charge",2,2]')],
  ['a head that is no object', inHead('{"layout"', '["layout"')],
])('What another program wrote with a right checksum is damaged: %s', (_what, bytes) => {
  expect(() => decodeRecord('order-1', bytes)).toThrow(expect.objectContaining({ class: 'damaged' }));
});

test('Bytes of a record stay as they are, whatever happens to those that were written or read', () => {
  const outcome = new Uint8Array([1, 2, 3]);
  const bytes = encodeRecord('order-1', { ...completed, outcome });
  outcome.fill(0);
  decodeRecord('order-1', bytes).outcome?.fill(9);
  expect(decodeRecord('order-1', bytes).outcome).toEqual(new Uint8Array([1, 2, 3]));
});

test('A text in the place of bytes is an error that names the column and the remedy', () => {
  const text = Buffer.from(encodeRecord('order-1', completed)).toString('latin1') as unknown as Uint8Array;
  expect(() => decodeRecord('order-1', text)).toThrow(
    /of type string and not a Uint8Array; keep it in a column of bytes/,
  );
});
