// ExpiryHeap and RecordTable by themselves: which records expire, and in which order.
import { expect, test } from 'vitest';
import { blankRecord } from '../../packages/core/src/protocol/record.js';
import { ExpiryHeap } from '../../packages/core/src/stores/memory/expiry-heap.js';
import { RecordTable } from '../../packages/core/src/stores/memory/record-table.js';
import { randomFrom } from '../protocol/model/mulberry.js';

test('the first item of the heap is always the earliest one, after any insertions, moves and removals', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = randomFrom(seed);
    const heap = new ExpiryHeap<{ dueAt: number; heapIndex: number }>();
    const items: { dueAt: number; heapIndex: number }[] = [];
    for (let step = 0; step < 200; step += 1) {
      const item = random.pick(items);
      if (item === undefined || random.chance(45)) {
        const added = { dueAt: random.below(50), heapIndex: 0 };
        items.push(added);
        heap.insert(added);
      } else if (random.chance(50)) {
        heap.reschedule(item, random.below(50));
      } else {
        items.splice(items.indexOf(item), 1);
        heap.remove(item);
      }
      const earliest = items.length === 0 ? undefined : Math.min(...items.map(({ dueAt }) => dueAt));
      expect(heap.peek()?.dueAt, `seed ${seed}, step ${step}`).toBe(earliest);
    }
  }
});

test('one call expires a bounded number of records, the earliest first', () => {
  const table = new RecordTable({ maxRecords: 100, maxBytes: 1_000_000, maxScopeShare: 1 });
  const ends = Array.from({ length: 40 }, (_, index) => ((index * 17) % 40) + 1);
  for (const end of ends) table.put(`ends at ${end}`, { ...blankRecord, expiresAt: end }, 0, null);
  const left = () => ends.filter((end) => table.get(`ends at ${end}`) !== null).sort((a, b) => a - b);
  table.expireDue(30, 16);
  expect(left()).toEqual(Array.from({ length: 24 }, (_, index) => index + 17));
  table.expireDue(30, 16);
  expect(left()).toEqual(Array.from({ length: 10 }, (_, index) => index + 31));
});
