// The life of one request, for every framework: does it apply, whose key is it, what became of it, run, record, answer.
import type { ConditionalWork, Execution, NotStarted, Plan, Settlement } from '../engine/plan.js';
import { recoveryOf, stillUnknown } from '../engine/recovery.js';
import { run } from '../engine/run.js';
import { warnOnce } from '../events.js';
import { processWide } from '../process-wide.js';
import { responseFound } from './answer-found.js';
import { callWithin } from './callback.js';
import { keyOf, scopeOf } from './caller.js';
import type { Exchange, HttpAnswer } from './exchange.js';
import { Fingerprints } from './fingerprints.js';
import { applyHeaders, type HeaderEntry, type OmitRule, omitRule } from './headers.js';
import { lookupName, splitTarget } from './name.js';
import { type CheckedHttpOptions, checkHttpOptions, type HttpOptions } from './options.js';
import type { ProblemFacts } from './problem.js';
import { decodeResponse, type RecordedResponse } from './recorded-response.js';
import { type Progress, Refusals } from './refusals.js';
import { type HandlersAnswer, settle, settleFailure, settleFound } from './settle.js';
import { endOfTurn } from './turn.js';

/** An answer on its way to the client: the handler's, just given, one that stands on record, or one that was found out. */
type Answered = FromHandler | (RecordedResponse & { readonly from: 'record' | 'recovery' });

interface FromHandler {
  readonly from: 'handler';
  readonly answer: HttpAnswer | null;
  readonly settlement: Settlement;
  /** Its handler still works: resolves when it stops. */
  readonly stopped: Promise<void> | null;
  readonly bypassed: boolean;
  /** What kept the answer from being classified: it must not go out as if it were on record. */
  readonly unclassified?: { readonly error: unknown };
}

const nothingMore: readonly HeaderEntry[] = [];
const unrecordedMark: readonly HeaderEntry[] = [['Idempotency-Recorded', 'false']];

/** Requests that an outer middleware, of whatever copy of this package, handles now. */
function requestsTaken(): WeakSet<object> {
  return processWide('requests/1', () => new WeakSet());
}

/** Throws a `ConfigurationError` for options that cannot be meant. */
export function createLifecycle<Request>(options: HttpOptions<Request>): Lifecycle<Request> {
  return new Lifecycle(options);
}

export class Lifecycle<Request> {
  readonly options: CheckedHttpOptions<Request>;
  readonly #isOmitted: OmitRule;
  readonly #refusals: Refusals;
  readonly #fingerprints: Fingerprints<Request>;

  constructor(options: HttpOptions<Request>) {
    this.options = checkHttpOptions(options);
    const { omitHeaders, headerName } = this.options;
    this.#isOmitted = omitRule(omitHeaders, headerName);
    this.#refusals = new Refusals(this.options);
    this.#fingerprints = new Fingerprints(this.options);
  }

  /**
   * False for a request that `handle` would only pass on: of another method, or without a key where none is required.
   * `keyLines` are the lines of its key header.
   */
  concerns(method: string | undefined, keyLines: readonly string[]): boolean {
    const { methods, required, skip, key } = this.options;
    if (method === undefined || !methods.includes(method)) return false;
    return keyLines.length > 0 || required || skip !== undefined || key !== undefined;
  }

  /**
   * Resolves when the answer is out, when the request was passed on, or when a layer outside has answered. Rejects only before the
   * handler ran, and always with an Error, which is for the application's error handler: what its own functions threw, or a
   * misconfiguration.
   */
  async handle(request: Request, exchange: Exchange): Promise<void> {
    await endOfTurn();
    const progress: Progress = { name: null, isTaken: false, isStarted: false };
    try {
      await this.#handle(request, exchange, progress);
    } catch (error) {
      await this.#refusals.endWith(error, exchange, progress);
    } finally {
      if (progress.isTaken) requestsTaken().delete(exchange.identity);
    }
  }

  async #handle(request: Request, exchange: Exchange, progress: Progress): Promise<void> {
    const { methods, skip, callbackTimeoutMs } = this.options;
    if (!methods.includes(exchange.method)) return exchange.pass();
    if (skip !== undefined && (await callWithin('skip', callbackTimeoutMs, () => skip(request))))
      return exchange.pass();
    const key = await keyOf(request, (name) => exchange.headerLines(name), this.options);
    if (key === null) return exchange.pass();
    if (requestsTaken().has(exchange.identity)) return passTwice(exchange);
    requestsTaken().add(exchange.identity);
    progress.isTaken = true;
    const scope = await scopeOf(request, this.options);
    const plan = this.#plan(exchange, scope, key, await this.#fingerprints.current(request, exchange));
    progress.name = plan.name;
    if (!exchange.canStart()) return;
    await this.#answer(exchange, plan, await this.#run(plan, request, exchange, progress));
  }

  #plan(exchange: Exchange, scope: string, key: string, fingerprint: string | null): Plan {
    const { method, originalUrl } = exchange;
    const name = lookupName({ scope, method, path: splitTarget(originalUrl).path, key });
    return { store: this.options.store, scope, key, name, fingerprint, terms: this.options };
  }

  /** A record that was made under an older version of the fingerprint is asked for once more, with a fingerprint of that version. */
  async #run(
    plan: Plan,
    request: Request,
    exchange: Exchange,
    progress: Progress,
  ): Promise<Execution<Answered> | NotStarted> {
    const work = this.#work(request, exchange, progress);
    const execution = await run(plan, work);
    if (execution.kind !== 'mismatch') return execution;
    const fingerprint = await this.#fingerprints.under(execution.version, request, exchange);
    return fingerprint === null ? execution : await run({ ...plan, fingerprint }, work);
  }

  #work(request: Request, exchange: Exchange, progress: Progress): ConditionalWork<Answered> {
    return {
      canStart: () => exchange.canStart(),
      onCallerGone: (listener) => exchange.onDisconnect(listener),
      recover: async (context) => {
        const { recover = () => stillUnknown(), callbackTimeoutMs } = this.options;
        const found = await callWithin('onAbandoned', callbackTimeoutMs, () => recover(context, request));
        return await recoveryOf(found, (answer) => ({
          from: 'recovery',
          ...responseFound(answer),
        }));
      },
      run: async (context) => {
        progress.isStarted = true;
        let nothingHappened = false;
        const markNothingHappened = () => {
          nothingHappened = true;
        };
        // Not a copy, which would ask for the signal.
        const answer = await exchange.perform(Object.assign(context, { markNothingHappened }));
        const baseline = exchange.liveHeaders();
        const stopped = exchange.handlerStopped?.() ?? null;
        const given = { answer, baseline, nothingHappened, isWorking: stopped !== null };
        return { from: 'handler', answer, stopped, bypassed: context.fencingToken === 0, ...this.#settled(given) };
      },
      settle: (answered) => (answered.from === 'handler' ? answered.settlement : settleFound(answered, this.options)),
      stopped: (answered) => (answered.from === 'handler' ? answered.stopped : null),
      revive: (outcome) => ({ from: 'record', ...decodeResponse(outcome) }),
    };
  }

  /** The handler has run, whatever the application's own functions do: a failure of theirs counts as one of the work. */
  #settled(given: HandlersAnswer): Pick<FromHandler, 'settlement' | 'unclassified'> {
    try {
      return { settlement: settle(given, this.options, this.#isOmitted) };
    } catch (error) {
      return { settlement: settleFailure(this.options), unclassified: { error } };
    }
  }

  #answer(exchange: Exchange, plan: Plan, execution: Execution<Answered> | NotStarted): Promise<void> | void {
    switch (execution.kind) {
      case 'not_started':
        return;
      case 'executed':
      case 'replayed':
        return this.#give(exchange, execution.value, execution.kind === 'executed' && execution.recorded);
      case 'in_progress':
        return this.#refusals.refuse(exchange, plan.name, 'in_progress', { retryAfterMs: execution.retryAfterMs });
      case 'mismatch':
        return this.#refusals.refuse(exchange, plan.name, 'key_reused', {});
      case 'unknown':
        return this.#refusals.refuse(exchange, plan.name, 'outcome_unknown', retryFact(execution.retryAfterMs));
      case 'expired': {
        const { completedAt, note } = execution;
        const facts = { completedAt, ...(note === null ? {} : { originalStatus: Number(note) }) };
        return this.#refusals.refuse(exchange, plan.name, 'response_expired', facts);
      }
    }
  }

  #give(exchange: Exchange, answered: Answered, recorded: boolean): Promise<void> | void {
    if (answered.from !== 'handler') {
      const headers = applyHeaders(exchange.liveHeaders(), answered.headers);
      const { status, reason, trailers, body } = answered;
      const mark = answered.from === 'recovery' && !recorded ? unrecordedMark : [];
      return exchange.replace({
        status,
        ...(reason === undefined ? {} : { reason }),
        headers: [...headers, ['Idempotent-Replayed', 'true'], ...mark],
        trailers,
        body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        isRecorded: true,
      });
    }
    const { answer, settlement, bypassed, unclassified } = answered;
    if (unclassified !== undefined) throw unclassified.error;
    if (answer === null) return exchange.cut();
    const unrecorded = settlement.as === 'done' && !recorded;
    // Its head has left: it can no longer say that it is not on record. An end that the client cannot trust is withheld.
    if (unrecorded && answer.flowing && !bypassed) return exchange.cut();
    return exchange.deliver(unrecorded ? unrecordedMark : nothingMore);
  }
}

function passTwice(exchange: Exchange): void {
  warnOnce('mounted_twice', 'idempotency() is mounted twice on one route; the outer one is used. Remove one of them.');
  exchange.pass();
}

function retryFact(retryAfterMs: number | null): ProblemFacts {
  return retryAfterMs === null ? {} : { retryAfterMs };
}
