// What MemoryStore clears away, and in which order: the agenda and the ledger by themselves.
import { expect, test } from 'vitest';
import { Agenda } from '../../packages/core/src/memory/agenda.js';
import { Ledger } from '../../packages/core/src/memory/ledger.js';
import { blankRecord } from '../../packages/core/src/protocol/record.js';
import { randomFrom } from '../protocol/model/random.js';

test('the first item of an agenda is always the earliest, whatever was added, moved and dropped', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = randomFrom(seed);
    const agenda = new Agenda<{ dueAt: number; place: number }>();
    const items: { dueAt: number; place: number }[] = [];
    for (let step = 0; step < 200; step += 1) {
      const item = random.pick(items);
      if (item === undefined || random.chance(45)) {
        const added = { dueAt: random.below(50), place: 0 };
        items.push(added);
        agenda.add(added);
      } else if (random.chance(50)) {
        agenda.move(item, random.below(50));
      } else {
        items.splice(items.indexOf(item), 1);
        agenda.drop(item);
      }
      const earliest = items.length === 0 ? undefined : Math.min(...items.map(({ dueAt }) => dueAt));
      expect(agenda.first()?.dueAt, `seed ${seed}, step ${step}`).toBe(earliest);
    }
  }
});

test('one call clears away a bounded number of records, the earliest first', () => {
  const ledger = new Ledger({ maxRecords: 100, maxBytes: 1_000_000, maxScopeShare: 1 });
  const ends = Array.from({ length: 40 }, (_, at) => ((at * 17) % 40) + 1);
  for (const end of ends) ledger.put(`ends at ${end}`, { ...blankRecord, expiresAt: end }, 0, null);
  const left = () => ends.filter((end) => ledger.get(`ends at ${end}`) !== null).sort((a, b) => a - b);
  ledger.settle(30, 16);
  expect(left()).toEqual(Array.from({ length: 24 }, (_, at) => at + 17));
  ledger.settle(30, 16);
  expect(left()).toEqual(Array.from({ length: 10 }, (_, at) => at + 31));
});
