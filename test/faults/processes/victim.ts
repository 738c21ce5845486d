// A process that begins executions, every way in under every policy, and stays at one point of each until it is killed.
import { FaultStore } from '@onceguard/testing';
import type { RequestHandler } from 'express';
import type { Middleware } from 'koa';
import { charged } from '../awaits/charging.js';
import {
  type Case,
  casesOf,
  type Death,
  type DeathName,
  type DieAt,
  deaths,
  keyOf,
  type Moment,
  policies,
  type Stay,
  titleOf,
} from '../awaits/deaths.js';
import { sharedRecords } from '../awaits/shared-records.js';
import { gates } from '../awaits/stage.js';
import { askFunction, frameworkOf, type Opening, openHttp, type Work } from '../awaits/ways.js';

export interface Settings {
  readonly prefix: string;
  readonly death: DeathName;
  readonly moments: readonly Moment[];
  /** What its keys begin with. */
  readonly group: string;
}

/** Where its applications listen, by the titles of their cases. It begins when it is sent a message. */
export interface Listening {
  readonly ports: Readonly<Record<string, number>>;
}

/** An execution is at its point; its record, where it has asked for one. Or the caller of a function was told. */
export type News =
  | { readonly title: string; readonly reached: { readonly name: string | null } }
  | { readonly title: string; readonly told: string };

const { prefix, death: name, moments, group }: Settings = JSON.parse(process.argv[2] ?? '');
const death: Death = deaths[name];
const records = await sharedRecords(prefix);
const ports: Record<string, number> = {};
const calls: (() => Promise<void>)[] = [];

for (const one of casesOf(name, moments)) {
  const { stay, ...opening } = openingOf(one);
  if (one.way === 'execute') calls.push(async () => await callFunction(one, opening, stay));
  else ports[titleOf(one)] = (await openHttp(one.way, opening, outsideOf(one, stay))).port;
}
process.once('disconnect', () => process.exit());
process.once('message', () => {
  for (const call of calls) void call();
});
process.send?.({ ports } satisfies Listening);

function openingOf(one: Case): Opening & { readonly stay: Stay } {
  const store = new FaultStore(records.newStore(), death.timeoutMs ?? 600_000);
  const stay: Stay = async () => {
    say({ title: titleOf(one), reached: { name: store.calls[0]?.key ?? null } });
    return await new Promise<never>(() => {});
  };
  const dieAt: DieAt = (verb, call) => {
    const dies = async (pass: () => Promise<unknown>) => {
      if (one.moment === 'after') await pass();
      return await stay();
    };
    store.on(verb, dies, call);
  };
  const beginning = gates<number>();
  const began = async (run: number) => await beginning(run).opened;
  const work: Work = async (told) => {
    const run = await records.countRun(told.key);
    beginning(run).open();
    const running = { stay, dieAt, run, signal: told.signal, began };
    const { step } = death;
    if (step !== undefined) return await charged(told, run, step.atMostOnce, (context) => step.act?.(context, running));
    return { run, ends: (await death.run?.(running)) ?? 'done' };
  };
  const { recover } = death;
  const finding = recover === undefined ? {} : { onAbandoned: async () => await recover(stay) };
  death.arrange?.(store, dieAt);
  return { store, options: { ...policies[one.policy], ...death.options, ...finding }, work, stay };
}

async function callFunction(one: Case, opening: Opening, stay: Stay): Promise<void> {
  const ask = async () => await askFunction(opening, keyOf(group, one));
  const first = death.first === undefined ? null : ask();
  if (death.first === 'is told') await first;
  const told = await ask();
  if (death.isAnswer) await stay();
  say({ title: titleOf(one), told });
}

function say(news: News): void {
  process.send?.(news);
}

/** What is outside of the middleware: where the point is the answer, it comes to here and does not get out. */
function outsideOf({ way }: Case, stay: Stay): Parameters<typeof openHttp>[2] {
  const scope = death.scope === undefined ? {} : { scope: () => death.scope?.(stay) };
  if (!death.isAnswer) return scope;
  const express: RequestHandler = (_req, res, next) => {
    res.end = () => {
      void stay();
      return res;
    };
    next();
  };
  const koa: Middleware = async ({ res }, next) => {
    res.end = () => {
      void stay();
      return res;
    };
    await next();
  };
  return { ...scope, outer: [frameworkOf(way).family === 'express' ? express : koa] };
}
