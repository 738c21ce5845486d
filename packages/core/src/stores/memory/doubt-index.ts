// The records of a memory store that may come into doubt, in the order in which they began to.
import { isInDoubt, mayComeIntoDoubt } from '../../protocol/doubt.js';
import { isLive, type StoredRecord } from '../../protocol/record.js';

export interface IndexedEntry {
  readonly key: string;
  record: StoredRecord;
  /** Grows in the order of the index; 0: not in the index. Only the index writes it. */
  doubtSerial: number;
}

export class DoubtIndex {
  readonly #entries = new Set<IndexedEntry>();
  #lastSerial = 0;

  /** Adds or removes the entry, as its record now says. */
  update(entry: IndexedEntry): void {
    if (!mayComeIntoDoubt(entry.record)) this.remove(entry);
    else if (entry.doubtSerial === 0) {
      entry.doubtSerial = ++this.#lastSerial;
      this.#entries.add(entry);
    }
  }

  remove(entry: IndexedEntry): void {
    this.#entries.delete(entry);
    entry.doubtSerial = 0;
  }

  /** At most `limit` live records in doubt whose entries were added after `serial`. */
  page(serial: number, limit: number, now: number): { key: string; serial: number; record: StoredRecord }[] {
    const page = [];
    for (const { key, record, doubtSerial } of this.#entries) {
      if (doubtSerial <= serial || !isLive(record, now) || !isInDoubt(record, now)) continue;
      page.push({ key, serial: doubtSerial, record });
      if (page.length === limit) break;
    }
    return page;
  }
}
