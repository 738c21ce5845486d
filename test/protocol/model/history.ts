// One random history of one key: clients, an operator, a network that delays and repeats, a clock, and a store.
import type { StoredRecord } from '../../../packages/core/src/protocol/index.js';
import { checkAlways } from './always.js';
import { Client } from './client.js';
import { type Delivered, deliver, type Message, type Protocol } from './message.js';
import { type Random, randomFrom } from './random.js';
import { Truth } from './truth.js';

/** `rough`: the store fails over to older copies and its clock steps back. `steady`: it loses nothing that counts. */
export type Mode = 'steady' | 'rough';

const stepsPerHistory = 60;

/** Throws what went wrong, with the seed and the end of the history. */
export function runHistory(protocol: Protocol, mode: Mode, seed: number): void {
  const history = new History(protocol, mode, randomFrom(seed));
  try {
    for (let step = 0; step < stepsPerHistory; step += 1) history.step();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${why}\n${mode} history of seed ${seed}:\n${history.trace.slice(-12).join('\n')}`, {
      cause: error,
    });
  }
}

class History {
  readonly trace: string[] = [];
  readonly #truth = new Truth();
  readonly #clients: Client[] = [];
  readonly #sent: { readonly message: Message; readonly by: Client | null }[] = [];
  readonly #copies: (StoredRecord | null)[] = [null];
  /** In steady histories for all: what lives shorter than the one before it may be gone before the last late message. */
  readonly #recordTtlMs: number;
  /** In some histories a unit of time is so long that an hour is less than a record lives. */
  readonly #unit: number;
  #record: StoredRecord | null = null;
  /** Then what follows may be gone before the last late message of who was removed is, and its token must stay. */
  #removed = false;
  #now = 1_000;
  #fenceSeen = 0;

  constructor(
    private readonly protocol: Protocol,
    private readonly mode: Mode,
    private readonly random: Random,
  ) {
    this.#unit = random.chance(70) ? 1 : 90_000;
    this.#recordTtlMs = (random.chance(70) ? 40 : 80) * this.#unit;
  }

  step(): void {
    const { random } = this;
    const dice = random.below(100);
    if (dice < 12) this.#newcomer();
    else if (dice < 52) this.#somebodySpeaks();
    else if (dice < 68) this.#repeatSomething();
    else if (dice < 90) this.#passTime();
    else if (dice < 94) this.#operator();
    else this.#trouble();
  }

  #newcomer(): void {
    const known = this.random.chance(60) ? this.#fenceSeen : 0;
    const recordTtlMs = this.mode === 'rough' && this.random.chance(50) ? 20 * this.#unit : this.#recordTtlMs;
    const client = new Client(this.random, `t${this.#clients.length}`, known, recordTtlMs, this.#unit);
    this.#clients.push(client);
    this.#speak(client);
  }

  #somebodySpeaks(): void {
    const client = this.random.pick(this.#clients.filter(({ phase }) => phase !== 'over'));
    if (client !== undefined) this.#speak(client);
  }

  #speak(client: Client): void {
    const message = client.speak(this.#now);
    if (message !== null) this.#send(message, client);
  }

  #repeatSomething(): void {
    const { message } = this.random.pick(this.#sent) ?? {};
    if (message !== undefined) this.#deliver(message);
  }

  #operator(): void {
    if (this.random.chance(25)) {
      this.#removed = true;
      this.#send({ verb: 'remove' }, null);
      return;
    }
    const as = this.random.chance(50) ? 'done' : 'not_done';
    const said = { outcome: Buffer.from(`decided ${this.#now}`), note: null, by: 'ops', reason: 'r' };
    const [shorter, longer] = [10 * this.#unit, 100 * this.#unit];
    const times = { recordTtlMs: this.random.pick([null, shorter, longer]) ?? null, outcomeTtlMs: null };
    const expectFence = (this.#record?.fence ?? 1) - (this.random.chance(20) ? 1 : 0);
    const request = { ...said, ...times, as, expectFence } as const;
    this.#send({ verb: 'resolve', request }, null);
  }

  /** Now and then to where something ends, one before, or one behind; in rough histories also back. */
  #passTime(): void {
    const { random } = this;
    const ends = [this.#record?.leaseEndAt, this.#record?.expiresAt, this.#record?.outcomeEndAt, this.#record?.retryAt];
    const end = random.chance(40) ? random.pick(ends) : undefined;
    const next = end ? end + random.below(3) - 1 : this.#now + random.below(random.chance(10) ? 200 : 12) * this.#unit;
    if (next > this.#now && next < this.#now + 1_000 * this.#unit) this.#moveTo(next);
  }

  #trouble(): void {
    if (this.mode === 'rough') {
      if (this.random.chance(60)) this.#failOver();
      else this.#moveTo(this.#now - this.random.below(30) * this.#unit);
    } else if (!this.#removed && this.#record !== null && this.#now >= this.#record.expiresAt) {
      this.trace.push('the store drops what is gone');
      this.#record = null;
    }
  }

  #failOver(): void {
    this.#record = this.random.pick(this.#copies.slice(-6)) ?? null;
    this.trace.push(`failover to ${shown(this.#record)}`);
  }

  #moveTo(now: number): void {
    this.#now = now;
    this.trace.push(`now ${now}`);
  }

  /** Some messages arrive only later, as a repetition; of those that arrive some answers do not. */
  #send(message: Message, by: Client | null): void {
    this.#sent.push({ message, by });
    if (this.random.chance(15)) return;
    const delivered = this.#deliver(message);
    if (this.random.chance(15)) return;
    by?.hear(delivered);
    if (delivered.answer.kind === 'acquired') this.#fenceSeen = Math.max(this.#fenceSeen, delivered.answer.fence);
  }

  #deliver(message: Message): Delivered {
    const delivered = deliver(this.protocol, this.#record, message, this.#now);
    const { verb, answer, after } = delivered;
    const by = 'request' in message && 'token' in message.request ? message.request.token : 'operator';
    const who = 'lease' in message ? message.lease.token : 'holder' in message ? message.holder.token : by;
    this.trace.push(`${who} ${verb}: ${answer.kind} → ${shown(after)}`);
    checkAlways(delivered);
    if (this.mode === 'steady') this.#truth.check(delivered);
    this.#record = after;
    this.#copies.push(after);
    return delivered;
  }
}

function shown(record: StoredRecord | null): string {
  if (record === null) return 'absent';
  const { state, token, fence, leaseEndAt, expiresAt, guarded } = record;
  return `${state} ${token} fence ${fence} lease ${leaseEndAt} life ${expiresAt}${guarded ? ' guarded' : ''}`;
}
