// One random history of one key, with clients, an operator, a network that delays and repeats messages, a clock, and a store.
import type { StoredRecord } from '../../../packages/core/src/protocol/index.js';
import { checkDelivery } from './delivery-invariants.js';
import { type Delivered, deliver, type Message, type Protocol } from './message.js';
import { ModelClient } from './model-client.js';
import { type ModelRandom, randomFrom } from './mulberry.js';
import { Oracle } from './oracle.js';

/** `lossy`: the store fails over to older copies, and its clock steps back. `reliable`: it drops only expired records. */
export type StoreMode = 'reliable' | 'lossy';

const stepsPerHistory = 60;

/** Throws the broken invariant, with the seed and the end of the history. */
export function runHistory(protocol: Protocol, mode: StoreMode, seed: number): void {
  const history = new RandomHistory(protocol, mode, randomFrom(seed));
  try {
    for (let step = 0; step < stepsPerHistory; step += 1) history.step();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\n${mode} history of seed ${seed}:\n${history.trace.slice(-12).join('\n')}`, {
      cause: error,
    });
  }
}

class RandomHistory {
  readonly trace: string[] = [];
  readonly #oracle = new Oracle();
  readonly #clients: ModelClient[] = [];
  readonly #sent: { readonly message: Message; readonly by: ModelClient | null }[] = [];
  readonly #copies: (StoredRecord | null)[] = [null];
  /**
   * In reliable histories the same for all clients. A record with a shorter retention than the one before it may expire before the last
   * late message.
   */
  readonly #recordTtlMs: number;
  /** In some histories the unit of time is so long that an hour is less than the retention. */
  readonly #unit: number;
  #record: StoredRecord | null = null;
  /** After a remove, later records may expire before the last late message of the removed owner. Their fencing token must stay. */
  #removed = false;
  #now = 1_000;
  #lastSeenFencingToken = 0;

  constructor(
    private readonly protocol: Protocol,
    private readonly mode: StoreMode,
    private readonly random: ModelRandom,
  ) {
    this.#unit = random.chance(70) ? 1 : 90_000;
    this.#recordTtlMs = (random.chance(70) ? 40 : 80) * this.#unit;
  }

  step(): void {
    const { random } = this;
    const dice = random.below(100);
    if (dice < 12) this.#addClient();
    else if (dice < 52) this.#sendFromSomeClient();
    else if (dice < 68) this.#redeliver();
    else if (dice < 90) this.#passTime();
    else if (dice < 94) this.#sendFromOperator();
    else this.#injectFault();
  }

  #addClient(): void {
    const lastSeen = this.random.chance(60) ? this.#lastSeenFencingToken : 0;
    const recordTtlMs = this.mode === 'lossy' && this.random.chance(50) ? 20 * this.#unit : this.#recordTtlMs;
    const client = new ModelClient(this.random, `t${this.#clients.length}`, lastSeen, recordTtlMs, this.#unit);
    this.#clients.push(client);
    this.#sendFrom(client);
  }

  #sendFromSomeClient(): void {
    const client = this.random.pick(this.#clients.filter(({ phase }) => phase !== 'finished'));
    if (client !== undefined) this.#sendFrom(client);
  }

  #sendFrom(client: ModelClient): void {
    const message = client.nextMessage(this.#now);
    if (message !== null) this.#send(message, client);
  }

  #redeliver(): void {
    const { message } = this.random.pick(this.#sent) ?? {};
    if (message !== undefined) this.#deliver(message);
  }

  #sendFromOperator(): void {
    if (this.random.chance(25)) {
      this.#removed = true;
      this.#send({ verb: 'remove' }, null);
      return;
    }
    const as = this.random.chance(50) ? 'done' : 'not_done';
    const by = this.random.pick(['ops', 'Ben']) ?? 'ops';
    const reason = this.random.pick(['r', 's']) ?? 'r';
    const facts = { outcome: Buffer.from(`decided ${this.#now}`), note: null, by, reason };
    const [shorter, longer] = [10 * this.#unit, 100 * this.#unit];
    const times = { recordTtlMs: this.random.pick([null, shorter, longer]) ?? null, outcomeTtlMs: null };
    const expectedFencingToken = (this.#record?.fencingToken ?? 1) - (this.random.chance(20) ? 1 : 0);
    const request = { ...facts, ...times, as, expectedFencingToken } as const;
    this.#send({ verb: 'resolve', request }, null);
  }

  /** Sometimes moves the clock to an end of a lease or a lifetime, one before it or one after it. In lossy histories also back. */
  #passTime(): void {
    const { random } = this;
    const ends = [this.#record?.leaseEndAt, this.#record?.expiresAt, this.#record?.outcomeEndAt, this.#record?.retryAt];
    const end = random.chance(40) ? random.pick(ends) : undefined;
    const next = end ? end + random.below(3) - 1 : this.#now + random.below(random.chance(10) ? 200 : 12) * this.#unit;
    if (next > this.#now && next < this.#now + 1_000 * this.#unit) this.#setClock(next);
  }

  #injectFault(): void {
    if (this.mode === 'lossy') {
      if (this.random.chance(60)) this.#failOver();
      else this.#setClock(this.#now - this.random.below(30) * this.#unit);
    } else if (!this.#removed && this.#record !== null && this.#now >= this.#record.expiresAt) {
      this.trace.push('the store drops the expired record');
      this.#record = null;
    }
  }

  #failOver(): void {
    this.#record = this.random.pick(this.#copies.slice(-6)) ?? null;
    this.trace.push(`failover to ${recordText(this.#record)}`);
  }

  #setClock(now: number): void {
    this.#now = now;
    this.trace.push(`now ${now}`);
  }

  /** Some messages arrive only later, as a repetition. Some replies never arrive. */
  #send(message: Message, by: ModelClient | null): void {
    this.#sent.push({ message, by });
    if (this.random.chance(15)) return;
    const delivered = this.#deliver(message);
    if (this.random.chance(15)) return;
    by?.onDelivered(delivered);
    if (delivered.reply.kind === 'acquired')
      this.#lastSeenFencingToken = Math.max(this.#lastSeenFencingToken, delivered.reply.fencingToken);
  }

  #deliver(message: Message): Delivered {
    const delivered = deliver(this.protocol, this.#record, message, this.#now);
    const { verb, reply, after } = delivered;
    const by = 'request' in message && 'ownerToken' in message.request ? message.request.ownerToken : 'operator';
    const who = 'lease' in message ? message.lease.ownerToken : 'holder' in message ? message.holder.ownerToken : by;
    this.trace.push(`${who} ${verb}: ${reply.kind} → ${recordText(after)}`);
    checkDelivery(delivered);
    if (this.mode === 'reliable') this.#oracle.check(delivered);
    this.#record = after;
    this.#copies.push(after);
    return delivered;
  }
}

function recordText(record: StoredRecord | null): string {
  if (record === null) return 'absent';
  const { state, ownerToken, fencingToken, leaseEndAt, expiresAt, guarded } = record;
  return `${state} ${ownerToken} fencingToken ${fencingToken} lease ${leaseEndAt} expires ${expiresAt}${guarded ? ' guarded' : ''}`;
}
