// Every `await` of an execution is known, and what becomes of it when it fails or never settles is tested somewhere.
import { expect, test } from 'vitest';
import { filesUnder, read } from '../packages/sources.js';
import { type DeathName, deaths } from './awaits/deaths.js';
import { foreignAwaits, parsed, storeCallsIn } from './awaits/in-sources.js';
import { type SituationName, situations } from './awaits/situations.js';

const failing = 'test/faults/awaits-failing.test.ts';
const functions = 'test/faults/awaits-functions.test.ts';
const background = 'test/engine/background.test.ts';
const sharing = 'test/engine/waiting-together.test.ts';
const working = 'test/adapters/05-still-working.test.ts';
const people = 'test/faults/awaits-people.test.ts';

/** The calls of a store, by the function that makes them: the situations in which they fail, and those in which a process dies. */
const storeCalls: Readonly<Record<string, { fails: readonly SituationName[]; dies: readonly DeathName[] }>> = {
  'engine/attempt.ts record: checkpoint': {
    fails: [
      'records the result of a step',
      'records that a step begins which may run once',
      'records the result of a step that may run once',
      'takes back that a step begins',
      'takes back that a step began, since somebody found out',
    ],
    dies: [
      'records the result of a step',
      'records that a step begins which may run once',
      'records the result of a step that may run once',
      'takes back that a step begins',
      'takes back that a step began, since it found out',
    ],
  },
  'engine/attempt.ts #renew: renew': { fails: ['renews its lease'], dies: ['renews its lease'] },
  'engine/claimant.ts #ask: acquire': {
    fails: [
      'asks for the right to run',
      'asks again for what is done',
      'asks, and would run without the store',
      'waits for the outcome of another',
    ],
    dies: ['asks for the right to run', 'asks again for what is done', 'waits for the outcome of another, and looks'],
  },
  'engine/claimant.ts #giveUp: release': {
    fails: ['takes back a token that got no answer', 'takes back a token that came too late, to ask with another'],
    dies: ['takes back a token that got no answer', 'takes back a token that came too late, to ask with another'],
  },
  'engine/claimant.ts peek: acquire': {
    fails: [
      'looks for the outcome of the one that has taken over',
      'fails after another has taken over, and looks for its outcome',
    ],
    dies: ['looks for the outcome of the one that has taken over'],
  },
  'engine/finish.ts giveFree: release': {
    fails: [
      'frees the key after a failure',
      'keeps the key as unknown after a failure',
      'leaves the outcome unknown, since nobody found out',
    ],
    dies: ['gives the key back after a failure', 'leaves the outcome unknown, since it did not find out'],
  },
  'engine/outcome-recorder.ts #complete: complete': {
    fails: [
      'records its answer',
      'records an answer of which bytes have left',
      'records its answer after its lease, and nobody has taken over',
      'records its answer in the background',
    ],
    dies: ['records its answer', 'records an answer of which bytes have left', 'records its answer in the background'],
  },
  'engine/store-link.ts now: read': {
    fails: ['learns the time of the store'],
    dies: ['learns the time of the store'],
  },
};

/** Where a process dies apart from those. */
const otherDeaths: readonly DeathName[] = [
  'asks for its scope',
  'works',
  'lets its answer out',
  'takes a step',
  'takes a step that may run once',
  'finds out what became of a step',
];

/** What people and their programs ask a store, outside of any execution, and the test of it. */
const callsOfPeople: Readonly<Record<string, string>> = {
  'engine/doubts.ts listDoubts: scan': people,
  'engine/doubts.ts resolve: read': people,
  'engine/doubts.ts resolve: resolve': people,
};

/** What a store is asked for the time to come: nothing is waited for, and nothing comes of a failure. And the test of it. */
const requests: Readonly<Record<string, string>> = {
  'engine/store-link.ts listen: whenEnded': 'test/engine/waiting-elsewhere.test.ts',
};

/** What else an execution waits for, apart from its own functions, and the test of it. */
const otherAwaits: Readonly<Record<string, string>> = {
  'engine/attempt.ts: Promise.all([...this.#points.values()].map((point) => this.record(point).catch(() => undefined)))':
    'test/engine/steps-lost.test.ts',
  'engine/attempt.ts: new Promise<void>((resolve) => { this.#onOver = resolve; })': working,
  'engine/background.ts: first': background,
  'engine/background.ts: Promise.race([this.#idle(), timeIsUp])': background,
  'engine/background.ts: Promise.all(this.#running)': background,
  'engine/drain.ts: Promise.all(drainsOf(store).map((drain) => drain(timeoutMs)))': background,
  'engine/finish.ts: Promise.race([stopped, attempt.whenOver()])': working,
  'engine/kept.ts: result()': 'test/engine/failure.test.ts',
  'engine/make-idempotent.ts: fingerprint(input)': functions,
  'engine/make-idempotent.ts: key(input)': functions,
  'engine/make-idempotent.ts: operation(input, context)': 'test/engine/failure.test.ts',
  'engine/make-idempotent.ts: scope(input)': functions,
  'engine/recovery.ts: answer': functions,
  'engine/shared-wait.ts: new Promise<Turn>((resolve) => this.#follow(endsAt, caller, resolve))': sharing,
  'engine/shared-wait.ts: new Promise<void>((resolve) => this.#rest(ms, caller, resolve))': sharing,
  'engine/steps.ts: fn({ key: this.ledger.deriveKey(name), attempt, signal, markNothingHappened })':
    'test/engine/steps.test.ts',
  'engine/store-link.ts: Promise.all([this.outcomes.drained(leftMs), this.releases.drained(leftMs)])': background,
  'engine/timing.ts: new Promise<void>((resolve) => setTimeout(resolve, ms))': 'test/engine/waiting.test.ts',
  'engine/timing.ts: new Promise<void>((resolve) => { unref(setTimeout(resolve, ms)); })': background,
  'engine/wait.ts: look()': failing,
  'http/callback.ts: Promise.race([given, timeUp])': 'test/adapters/18-option-functions.test.ts',
  'node/capture.ts: left': 'test/node/connection.test.ts',
  'node/exchange.ts: begun.ended': 'test/adapters/05-free.test.ts',
  'koa: Promise.race([inner.entered, lifecycle.handle(ctx, nodeExchange(side))])': 'test/adapters/05-free.test.ts',
  'koa: inner.returned': 'test/adapters/05-free.test.ts',
};

const folders = ['core/src/engine', 'core/src/http', 'core/src/node', 'express/src', 'koa/src'];
const sources = folders.flatMap((folder) => filesUnder(`packages/${folder}`)).map(parsed);

test('Every store call has its situations in the tables, and every situation of the tables is of a store call', () => {
  const known = { ...storeCalls, ...callsOfPeople, ...requests };
  expect(sources.flatMap(storeCallsIn).sort()).toEqual(Object.keys(known).sort());
  const named = Object.values(storeCalls);
  expect(named.flatMap(({ fails }) => fails).sort()).toEqual(Object.keys(situations).sort());
  expect([...named.flatMap(({ dies }) => dies), ...otherDeaths].sort()).toEqual(Object.keys(deaths).sort());
});

test('Whatever else is awaited, apart from functions of the same sources, has its test', () => {
  expect(foreignAwaits(sources).sort()).toEqual(Object.keys(otherAwaits).sort());
  for (const file of Object.values({ ...otherAwaits, ...callsOfPeople, ...requests }))
    expect(read(file)).toContain('expect(');
});
