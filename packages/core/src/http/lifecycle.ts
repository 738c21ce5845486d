// The life of one request, for every framework: does it apply, whose key is it, what became of it, run, record, answer.
import type { Execution, Plan, Settlement, Work } from '../engine/plan.js';
import { recoveryOf, stillUnknown } from '../engine/recovery.js';
import { run } from '../engine/run.js';
import { type ErrorCode, IdempotencyError, StoreError } from '../errors.js';
import { publish, warnOnce } from '../events.js';
import { responseFound } from './answer-found.js';
import { describeBody } from './body.js';
import type { Exchange, HttpAnswer } from './exchange.js';
import { type FingerprintInput, fingerprint, fingerprintOfValue } from './fingerprint.js';
import { applyHeaders, type HeaderEntry, type OmitRule, omitRule } from './headers.js';
import { parseKey } from './key.js';
import { lookupName, splitTarget } from './name.js';
import { type CheckedHttpOptions, checkHttpOptions, type HttpOptions } from './options.js';
import { type ProblemFacts, type ProblemResponse, problem } from './problem.js';
import { decodeResponse, type RecordedResponse } from './recorded-response.js';
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

/** Requests that an outer middleware has taken up already. */
const taken = new WeakSet<object>();

/** Throws a `ConfigurationError` for options that cannot be meant. */
export function createLifecycle<Request>(options: HttpOptions<Request>): Lifecycle<Request> {
  return new Lifecycle(options);
}

export class Lifecycle<Request> {
  readonly options: CheckedHttpOptions<Request>;
  readonly #isOmitted: OmitRule;

  constructor(options: HttpOptions<Request>) {
    this.options = checkHttpOptions(options);
    this.#isOmitted = omitRule(this.options.omitHeaders);
  }

  /**
   * False for a request that `handle` would only pass on: of another method, or without a key where none is required.
   * `keyLines` are the lines of its key header.
   */
  concerns(method: string | undefined, keyLines: readonly string[]): boolean {
    const { methods, required, skip } = this.options;
    if (method === undefined || !methods.includes(method)) return false;
    return keyLines.length > 0 || required || skip !== undefined;
  }

  /**
   * Resolves when the answer is out, or when the request was passed on. Rejects only with what the application's own
   * functions (`skip`, `scope`, `fingerprint`, `onAbandoned`) threw, before anything was run: that is for its error handler.
   */
  async handle(request: Request, exchange: Exchange): Promise<void> {
    await endOfTurn();
    let name: string | null = null;
    try {
      const { methods, skip } = this.options;
      if (!methods.includes(exchange.method)) return exchange.pass();
      if (skip !== undefined && (await skip(request))) return exchange.pass();
      const key = this.#key(exchange);
      if (key === null) return exchange.pass();
      if (taken.has(exchange.identity)) return passTwice(exchange);
      taken.add(exchange.identity);
      const { scope, fingerprint: chosen } = this.options;
      const owner = scope === 'public' ? scope : ownScope(await scope(request));
      const print = typeof chosen === 'function' ? fingerprintOfValue(await chosen(request)) : null;
      const bodyKnown = chosen === undefined ? exchange.bodyKnown?.() : undefined;
      if (bodyKnown !== undefined) await bodyKnown;
      const plan = this.#plan(exchange, owner, key, print);
      name = plan.name;
      await this.#answer(exchange, plan, await run(plan, this.#work(request, exchange)));
    } catch (error) {
      if (!(error instanceof IdempotencyError)) throw error;
      await this.#refuseFor(exchange, name, error);
    }
  }

  /** The key, or null where there is none and none is required. */
  #key(exchange: Exchange): string | null {
    const { headerName, required } = this.options;
    const lines = exchange.headerLines(headerName);
    if (lines.length === 0) {
      if (required) throw new IdempotencyError('key_missing', `The header ${headerName} is missing.`);
      return null;
    }
    const parsed = parseKey(lines);
    if (!parsed.ok) throw new IdempotencyError('key_invalid', `The header ${headerName} ${parsed.reason}.`);
    return parsed.key;
  }

  /** `chosenPrint`: the fingerprint that the option's own function gave, if it is one. */
  #plan(exchange: Exchange, scope: string, key: string, chosenPrint: string | null): Plan {
    const { store, fingerprint } = this.options;
    const { method, originalUrl } = exchange;
    const { path, query } = splitTarget(originalUrl);
    const name = lookupName({ scope, method, path, key });
    const print = fingerprint === undefined ? fingerprintOf(exchange, { method, path, query }) : chosenPrint;
    return { store, key, name, fingerprint: print, terms: this.options };
  }

  #work(request: Request, exchange: Exchange): Work<Answered> {
    return {
      recover: async (context) => {
        const { recover = () => stillUnknown() } = this.options;
        return await recoveryOf(recover(context, request), (answer) => ({
          from: 'recovery',
          ...responseFound(answer),
        }));
      },
      run: async (context) => {
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

  #answer(exchange: Exchange, plan: Plan, execution: Execution<Answered>): Promise<void> | void {
    switch (execution.kind) {
      case 'executed':
      case 'replayed':
        return this.#give(exchange, execution.value, execution.kind === 'executed' && execution.recorded);
      case 'in_progress':
        return this.#refuse(exchange, plan.name, 'in_progress', { retryAfterMs: execution.retryAfterMs });
      case 'mismatch':
        return this.#refuse(exchange, plan.name, 'key_reused', {});
      case 'unknown':
        return this.#refuse(exchange, plan.name, 'outcome_unknown', retryFact(execution.retryAfterMs));
      case 'expired': {
        const { completedAt, note } = execution;
        const facts = { completedAt, ...(note === null ? {} : { originalStatus: Number(note) }) };
        return this.#refuse(exchange, plan.name, 'response_expired', facts);
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

  async #refuseFor(exchange: Exchange, name: string | null, error: IdempotencyError): Promise<void> {
    // What the store said is for operators, who hear it in the event; clients learn what it means for them.
    if (error instanceof StoreError) return await this.#refuse(exchange, name, codeFor(error), {});
    await this.#refuse(exchange, name, error.code, { detail: error.message });
  }

  async #refuse(exchange: Exchange, name: string | null, code: ErrorCode, facts: ProblemFacts): Promise<void> {
    publish('rejected', () => ({ store: this.options.store.name, name, code }));
    const { status, headers, body } = this.#problem(code, facts);
    const all = applyHeaders(exchange.liveHeaders(), { set: headers, removed: [] });
    await exchange.replace({ status, headers: all, body });
  }

  /** A refusal must get out even where the application's own rendering of it fails. */
  #problem(code: ErrorCode, facts: ProblemFacts): ProblemResponse {
    try {
      return problem(code, facts, this.options.renderProblem);
    } catch (error) {
      warnOnce('render_problem_failed', `renderProblem threw (${String(error)}); the refusal went out as usual.`);
      return problem(code, facts);
    }
  }
}

function codeFor({ class: storeClass }: StoreError): ErrorCode {
  return storeClass === 'damaged' ? 'record_damaged' : 'store_unavailable';
}

/** A caller's own scope can never be spelled like the shared one. */
function ownScope(found: unknown): string {
  if (typeof found === 'string' && found !== '') return `of ${found}`;
  const given = found === '' ? 'an empty string' : `a value of type ${typeof found}`;
  const remedy = 'It must give the id of the caller as a non-empty string; mount the middleware after authentication.';
  throw new IdempotencyError('scope_missing', `The scope function gave ${given}. ${remedy}`);
}

function fingerprintOf(exchange: Exchange, target: Pick<FingerprintInput, 'method' | 'path' | 'query'>): string {
  const body = describeBody(exchange.body());
  if (!body.ok) throw new IdempotencyError('body_not_parsed', body.reason);
  return fingerprint({ ...target, body });
}

function passTwice(exchange: Exchange): void {
  warnOnce('mounted_twice', 'idempotency() is mounted twice on one route; the outer one is used. Remove one of them.');
  exchange.pass();
}

function retryFact(retryAfterMs: number | null): ProblemFacts {
  return retryAfterMs === null ? {} : { retryAfterMs };
}
