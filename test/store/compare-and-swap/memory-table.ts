// A table in memory, for what no database is needed: the functions of a store are tried on it one by one.
import type { CompareAndSwapTable, TablePage, TablePageRequest, TableRead, WrittenRow } from '@onceguard/core/store';

export class MemoryTable implements CompareAndSwapTable {
  readonly rows = new Map<string, WrittenRow>();

  constructor(private readonly clock: () => number = Date.now) {}

  async read(key: string): Promise<TableRead> {
    return { now: this.clock(), row: this.rows.get(key) ?? null };
  }

  async insert(row: WrittenRow, writeBefore: number): Promise<boolean> {
    if (this.rows.has(row.key) || this.clock() >= writeBefore) return false;
    this.rows.set(row.key, row);
    return true;
  }

  async update(row: WrittenRow, seenVersion: string, writeBefore: number): Promise<boolean> {
    if (this.rows.get(row.key)?.version !== seenVersion || this.clock() >= writeBefore) return false;
    this.rows.set(row.key, row);
    return true;
  }

  async delete(key: string, seenVersion: string): Promise<boolean> {
    return this.rows.get(key)?.version === seenVersion && this.rows.delete(key);
  }

  async list({ filter, after, limit }: TablePageRequest): Promise<TablePage> {
    const now = this.clock();
    const isListed = (row: WrittenRow) => filter === 'none' || (filter === 'due' ? row.dueAt <= now : row.mayBeInDoubt);
    const rows = [...this.rows.values()].filter((row) => row.key > after && isListed(row));
    return { now, rows: rows.sort((one, other) => (one.key < other.key ? -1 : 1)).slice(0, limit) };
  }
}
