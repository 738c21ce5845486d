// A process that begins executions, at every entry point under every policy, and halts each at one point until it is
// killed.
import { FaultStore } from '@onceguard/testing';
import type { RequestHandler } from 'express';
import type { Middleware } from 'koa';
import { runChargeStep } from '../awaits/charge-step.js';
import {
  callAsFunction,
  type EntryPointSetup,
  frameworkOf,
  startHttpApplication,
  type Work,
} from '../awaits/entry-points.js';
import { gatesByKey } from '../awaits/fault-scenario.js';
import {
  casesOf,
  type Halt,
  type HaltAt,
  type KillCase,
  type KillMoment,
  type KillPoint,
  type KillPointName,
  keyOf,
  killPoints,
  policies,
  titleOf,
} from '../awaits/kill-points.js';
import { openSharedRecords } from '../awaits/shared-records.js';

export interface VictimSettings {
  readonly prefix: string;
  readonly death: KillPointName;
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
  | { readonly title: string; readonly told: string };

const { prefix, death: name, moments, group }: VictimSettings = JSON.parse(process.argv[2] ?? '');
const death: KillPoint = killPoints[name];
const records = await openSharedRecords(prefix);
const ports: Record<string, number> = {};
const calls: (() => Promise<void>)[] = [];

for (const one of casesOf(name, moments)) {
  const { halt, ...opening } = entryPointSetupOf(one);
  if (one.way === 'executeIdempotently') calls.push(async () => await callAndReport(one, opening, halt));
  else ports[titleOf(one)] = (await startHttpApplication(one.way, opening, outerLayerOf(one, halt))).port;
}
process.once('disconnect', () => process.exit());
process.once('message', () => {
  for (const call of calls) void call();
});
process.send?.({ ports } satisfies VictimPorts);

function entryPointSetupOf(one: KillCase): EntryPointSetup & { readonly halt: Halt } {
  const store = new FaultStore(records.newStore(), death.timeoutMs ?? 600_000);
  const halt: Halt = async () => {
    say({ title: titleOf(one), reached: { name: store.calls[0]?.key ?? null } });
    return await new Promise<never>(() => {});
  };
  const haltAt: HaltAt = (verb, call) => {
    const dies = async (pass: () => Promise<unknown>) => {
      if (one.moment === 'after') await pass();
      return await halt();
    };
    store.injectFault(verb, dies, call);
  };
  const beginning = gatesByKey<number>();
  const began = async (run: number) => await beginning(run).opened;
  const work: Work = async (told) => {
    const run = await records.countRun(told.key);
    beginning(run).open();
    const running = { halt, haltAt, run, signal: told.signal, began };
    const { step } = death;
    if (step !== undefined)
      return await runChargeStep(told, run, step.atMostOnce, (context) => step.act?.(context, running));
    return { run, ends: (await death.run?.(running)) ?? 'done' };
  };
  const { recover } = death;
  const finding = recover === undefined ? {} : { onAbandoned: async () => await recover(halt) };
  death.arrange?.(store, haltAt);
  return { store, options: { ...policies[one.policy], ...death.options, ...finding }, work, halt };
}

async function callAndReport(one: KillCase, opening: EntryPointSetup, halt: Halt): Promise<void> {
  const ask = async () => await callAsFunction(opening, keyOf(group, one));
  const first = death.earlierCaller === undefined ? null : ask();
  if (death.earlierCaller === 'has finished') await first;
  const told = await ask();
  if (death.isResponse) await halt();
  say({ title: titleOf(one), told });
}

function say(news: VictimMessage): void {
  process.send?.(news);
}

/** Layers around the middleware: where the point is the response, the response reaches them and is not sent. */
function outerLayerOf({ way }: KillCase, halt: Halt): Parameters<typeof startHttpApplication>[2] {
  const scope = death.scope === undefined ? {} : { scope: () => death.scope?.(halt) };
  if (!death.isResponse) return scope;
  const express: RequestHandler = (_req, res, next) => {
    res.end = () => {
      void halt();
      return res;
    };
    next();
  };
  const koa: Middleware = async ({ res }, next) => {
    res.end = () => {
      void halt();
      return res;
    };
    await next();
  };
  return { ...scope, outer: [frameworkOf(way).family === 'express' ? express : koa] };
}
