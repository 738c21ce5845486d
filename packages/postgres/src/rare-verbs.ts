// The verbs that few requests need: they look, ask the protocol, and swap.
import { toReadReply, toScanPage, unreadableRecord } from '@onceguard/core/sql';
import {
  type LeaseIdentity,
  idempotencyProtocol as protocol,
  type ReadReply,
  type ReleaseReply,
  type ReleaseRequest,
  type ResolveReply,
  type ResolveRequest,
  type ScanPage,
  type ScanRequest,
  type StoredRecord,
  type TimestampedReply,
} from '@onceguard/core/store';
import type { PurgeResult } from './purge-result.js';
import { toInteger } from './record-row.js';
import type { RecordTable } from './record-table.js';
import type { Statements } from './statements.js';

export class RareVerbs {
  readonly #table: RecordTable;
  readonly #statements: Statements;

  constructor(table: RecordTable, statements: Statements) {
    this.#table = table;
    this.#statements = statements;
  }

  async release(holder: LeaseIdentity, request: ReleaseRequest): Promise<ReleaseReply> {
    const apply = (record: StoredRecord | null, now: number) => protocol.release(record, holder, request, now);
    return (await this.#table.transition(holder.key, apply, { withSteps: true })).reply;
  }

  async resolve(key: string, request: ResolveRequest): Promise<ResolveReply> {
    const apply = (record: StoredRecord | null, now: number) => protocol.resolve(record, request, now);
    return (await this.#table.transition(key, apply)).reply;
  }

  async read(key: string): Promise<ReadReply> {
    const { now, record } = await this.#table.read(key);
    return toReadReply(record, now);
  }

  async scan(request: ScanRequest): Promise<ScanPage> {
    const of = request.inDoubt === true ? 'may be in doubt' : 'all';
    const { now, records } = await this.#table.page(of, request.cursor ?? '', request.limit);
    return toScanPage(records, request, now);
  }

  /** Also removes a record that cannot be read. */
  async remove(key: string): Promise<TimestampedReply> {
    const now = await this.#table.replace(key, (at, record, fencingToken) =>
      protocol.remove(record ?? unreadableRecord(fencingToken, at), at),
    );
    return { now };
  }

  async purge(max: number, byTimer: boolean): Promise<PurgeResult> {
    const row = await this.#table.tryWrite(this.#statements.purge, [max, byTimer ? 1 : 0]);
    return row === null ? { deleted: 0, kept: 0 } : { deleted: toInteger(row.deleted), kept: toInteger(row.kept) };
  }
}
