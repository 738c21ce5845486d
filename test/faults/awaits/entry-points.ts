// The entry points that the tables of this folder test, and one way to describe what each gives its caller.
import {
  type Execution,
  executeIdempotently,
  IdempotencyError,
  type IdempotencyStore,
  type OperationContext,
  type PolicyOptions,
  type RecoverContext,
  type Recovery,
} from '@onceguard/core';
import { type RunningApp, start } from '../../../packages/testing/src/adapter-suite/app-server.js';
import type { AppSpec, Framework } from '../../../packages/testing/src/adapter-suite/framework.js';
import { type ReceivedResponse, send } from '../../../packages/testing/src/adapter-suite/support/http-client.js';
import { expressAndKoa } from '../../adapters/express-and-koa.js';

/** How one run of the work ends. Runs are counted over all processes and entry points of a test. */
export interface RunResult {
  readonly run: number;
  readonly ends: 'done' | 'failed' | 'done, streamed';
  /** What a function throws if it failed; a handler responds with 500 in any case. Default: an error of its own. */
  readonly error?: unknown;
}

export type WorkContext = Pick<OperationContext, 'key' | 'signal' | 'step'>;
export type Work = (context: WorkContext) => Promise<RunResult>;

/** The policy options of both; a recover function decides only whether the work may continue. */
export type SharedOptions = PolicyOptions<(context: RecoverContext) => Recovery<never> | Promise<Recovery<never>>>;

export interface EntryPointSetup {
  readonly store: IdempotencyStore;
  readonly options: SharedOptions;
  readonly work: Work;
}

/** `executeIdempotently` is the entry point of functions; the others are over HTTP. */
export const entryPointNames = ['executeIdempotently', ...expressAndKoa.map(({ name }) => name)] as const;
export type EntryPointName = (typeof entryPointNames)[number];

/**
 * What a caller got. `run 1`: the result of run 1, which is on record. `run 1, not recorded`: marked as such. `run 1,
 * replayed`: from the record. `failure of run 1`. The code of a rejection. `cut off`: a response broke off. `nothing`:
 * the connection ended without one. Anything else is returned verbatim.
 */
export type CallerOutcome = string;

export async function callAsFunction({ store, options, work }: EntryPointSetup, key: string): Promise<CallerOutcome> {
  const operation = async (context: OperationContext) => {
    const { run, ends, error = new Error(`failure of run ${run}`) } = await work(context);
    if (ends === 'failed') throw error;
    return run;
  };
  try {
    return describeExecution(await executeIdempotently(operation, { store, scope: 'faults', key, ...options }));
  } catch (error) {
    return error instanceof IdempotencyError ? error.code : (error as Error).message;
  }
}

function describeExecution(execution: Execution<number>): CallerOutcome {
  switch (execution.kind) {
    case 'executed':
      return `run ${execution.value}${execution.recorded ? '' : ', not recorded'}`;
    case 'replayed':
      return `run ${execution.value}, replayed`;
    case 'outcome_unknown':
      return 'outcome_unknown';
    default:
      return execution.kind;
  }
}

/** An application whose handler does the work: 201 and `{"run":1}`, or 500 and `{"failed":1}`. */
export async function startHttpApplication(
  name: EntryPointName,
  { store, options, work }: EntryPointSetup,
  spec: Pick<AppSpec, 'outer'> & { readonly scope?: unknown } = {},
): Promise<RunningApp> {
  const { scope = 'public', ...layers } = spec;
  return await start(frameworkOf(name), {
    store,
    options: { ...options, scope },
    ...layers,
    handler: async ({ context, res }) => {
      if (context === undefined) throw new Error('Every request here brings a key.');
      const { run, ends } = await work(context);
      if (ends === 'failed') return { status: 500, body: { failed: run } };
      if (ends === 'done') return { status: 201, body: { run } };
      res.statusCode = 201;
      res.flushHeaders();
      res.end(JSON.stringify({ run }));
      return 'raw';
    },
  });
}

export function frameworkOf(name: EntryPointName): Framework {
  const framework = expressAndKoa.find((one) => one.name === name);
  if (framework === undefined) throw new Error(`no such framework: ${name}`);
  return framework;
}

export async function callOverHttp(port: number, key: string): Promise<CallerOutcome> {
  try {
    return describeResponse(await send(port, { key }));
  } catch (error) {
    const { message } = error as Error;
    if (message === 'aborted') return 'cut off';
    return message === 'socket hang up' ? 'nothing' : message;
  }
}

/** The HTTP form of these codes: the status, and whether Retry-After is sent. */
const refusals: Readonly<Record<string, readonly [status: number, isRetryable: boolean]>> = {
  store_unavailable: [503, true],
  in_progress: [409, true],
  outcome_unknown: [409, false],
};

function describeResponse({ status, headers, text }: ReceivedResponse): CallerOutcome {
  const recorded = headers['idempotency-recorded'];
  const replayed = headers['idempotent-replayed'];
  const [, kind, number] = /^\{"(run|failed)":(\d+)\}$/.exec(text) ?? [];
  const marks = `${recorded}, ${replayed}`;
  if (status === 201 && kind === 'run') {
    if (marks === 'undefined, undefined') return `run ${number}`;
    if (marks === 'false, undefined') return `run ${number}, not recorded`;
    if (marks === 'undefined, true') return `run ${number}, replayed`;
  }
  if (status === 500 && kind === 'failed' && marks === 'undefined, undefined') return `failure of run ${number}`;
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? '';
  const [wanted, isRetryable] = refusals[code] ?? [];
  const isProblem = headers['content-type'] === 'application/problem+json' && marks === 'undefined, undefined';
  if (isProblem && status === wanted && isRetryable === (headers['retry-after'] !== undefined)) return code;
  return `${status}, Idempotency-Recorded: ${recorded}, Idempotent-Replayed: ${replayed}, ${text}`;
}
