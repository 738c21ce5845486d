// A process that begins executions, at every entry point under every policy, and halts each at one point until it is
// killed.
import { FaultStore } from '@onceguard/testing';
import type { NodeLayer } from '../../../packages/testing/src/adapter-suite/framework.js';
import { runChargeStep } from '../awaits/charge-step.js';
import {
  callAsFunction,
  type EntryPointSetup,
  frameworkOf,
  startHttpApplication,
  type Work,
} from '../awaits/entry-points.js';
import { gatesByKey } from '../awaits/fault-scenario.js';
import { type Halt, type HaltAt, type KillPoint, policies } from '../awaits/kill-point.js';
import {
  casesOf,
  type KillCase,
  type KillMoment,
  type KillPointName,
  keyOf,
  killPoints,
  titleOf,
} from '../awaits/kill-points.js';
import { openSharedRecords } from '../awaits/shared-records.js';

export interface VictimSettings {
  readonly prefix: string;
  readonly killPoint: KillPointName;
  readonly moments: readonly KillMoment[];
  /** The prefix of its keys. */
  readonly group: string;
}

/** The ports of its applications, by the titles of their cases. The executions begin when a message arrives. */
export interface VictimPorts {
  readonly ports: Readonly<Record<string, number>>;
}

/**
 * An execution is at its point, with its record if it has called the store. Or the caller of a function got this
 * outcome.
 */
export type VictimMessage =
  | { readonly title: string; readonly reached: { readonly name: string | null } }
  | { readonly title: string; readonly outcome: string };

const { prefix, killPoint: name, moments, group }: VictimSettings = JSON.parse(process.argv[2] ?? '');
const killPoint: KillPoint = killPoints[name];
const records = await openSharedRecords(prefix);
const ports: Record<string, number> = {};
const calls: (() => Promise<void>)[] = [];

for (const killCase of casesOf(name, moments)) {
  const { halt, ...setup } = entryPointSetupOf(killCase);
  if (killCase.entryPoint === 'executeIdempotently') calls.push(async () => await callAndReport(killCase, setup, halt));
  else
    ports[titleOf(killCase)] = (
      await startHttpApplication(killCase.entryPoint, setup, outerLayerOf(killCase, halt))
    ).port;
}
process.once('disconnect', () => process.exit());
process.once('message', () => {
  for (const call of calls) void call();
});
process.send?.({ ports } satisfies VictimPorts);

function entryPointSetupOf(killCase: KillCase): EntryPointSetup & { readonly halt: Halt } {
  const store = new FaultStore(records.newStore(), killPoint.timeoutMs ?? 600_000);
  const halt: Halt = async () => {
    report({ title: titleOf(killCase), reached: { name: store.calls[0]?.key ?? null } });
    return await new Promise<never>(() => {});
  };
  const haltAt: HaltAt = (verb, call) => {
    const dies = async (pass: () => Promise<unknown>) => {
      if (killCase.moment === 'after') await pass();
      return await halt();
    };
    store.injectFault(verb, dies, call);
  };
  const runBegan = gatesByKey<number>();
  const began = async (run: number) => await runBegan(run).opened;
  const work: Work = async (context) => {
    const run = await records.countRun(context.key);
    runBegan(run).open();
    const running = { halt, haltAt, run, signal: context.signal, began };
    const { step } = killPoint;
    if (step !== undefined)
      return await runChargeStep(context, run, step.atMostOnce, (stepContext) => step.act?.(stepContext, running));
    return { run, ends: (await killPoint.run?.(running)) ?? 'done' };
  };
  const { recover } = killPoint;
  const recoverOption = recover === undefined ? {} : { onAbandoned: async () => await recover(halt) };
  killPoint.arrange?.(store, haltAt);
  return { store, options: { ...policies[killCase.policy], ...killPoint.options, ...recoverOption }, work, halt };
}

async function callAndReport(killCase: KillCase, setup: EntryPointSetup, halt: Halt): Promise<void> {
  const callOnce = async () => await callAsFunction(setup, keyOf(group, killCase));
  const first = killPoint.earlierCaller === undefined ? null : callOnce();
  if (killPoint.earlierCaller === 'has finished') await first;
  const outcome = await callOnce();
  if (killPoint.isResponse) await halt();
  report({ title: titleOf(killCase), outcome });
}

function report(message: VictimMessage): void {
  process.send?.(message);
}

/** Layers around the middleware: where the point is the response, the response reaches them and is not sent. */
function outerLayerOf({ entryPoint }: KillCase, halt: Halt): Parameters<typeof startHttpApplication>[2] {
  const scope = killPoint.scope === undefined ? {} : { scope: () => killPoint.scope?.(halt) };
  if (!killPoint.isResponse) return scope;
  const hold: NodeLayer = (_req, res, next) => {
    res.end = () => {
      void halt();
      return res;
    };
    next();
  };
  return { ...scope, outer: [frameworkOf(entryPoint).nodeLayer?.(hold)] };
}
