// Every `await` of an execution is listed, with a test of what happens when it fails or never settles.
import { expect, test } from 'vitest';
import { filesUnder, parse, readRepositoryFile } from '../packages/source-trees.js';
import { foreignAwaits, storeCallsIn } from './awaits/in-sources.js';
import { type KillPointName, killPoints } from './awaits/kill-points.js';
import { listedFiles } from './awaits/listed.js';
import { situations } from './awaits/store-call-situations.js';

/** The kill points that are no store calls. */
const otherDeaths: readonly KillPointName[] = [
  'calls its scope function',
  'runs the work',
  'sends its response',
  'runs a step',
  'runs an atMostOnce step',
  'recovers a step',
];

/** The files of an execution: all except stores and separate programs, which have tests of their own. */
const isOfExecution = (file: string) =>
  !/^packages\/core\/src\/(protocol|memory|redis|local-cache|stores|cli|testing)\//.test(file);

const sources = ['core', 'express', 'koa']
  .flatMap((name) => filesUnder(`packages/${name}/src`))
  .filter(isOfExecution)
  .map((file) => parse(file, readRepositoryFile(file)));

const listed = Object.entries(listedFiles);

const storeCalls = listed.flatMap(([file, { storeCalls = {} }]) =>
  Object.entries(storeCalls).flatMap(([name, verbs]) =>
    Object.entries(verbs).map(([verb, call]) => ({ place: `${file} ${name}: ${verb}`, call })),
  ),
);

const otherAwaits = listed.flatMap(([file, { otherAwaits = {} }]) =>
  Object.entries(otherAwaits).flatMap(([name, tests]) => tests.map((tested) => ({ place: `${file} ${name}`, tested }))),
);

test('Every store call has its situations in the tables, and every situation of the tables is of a store call', () => {
  expect(sources.flatMap(storeCallsIn).sort()).toEqual(storeCalls.map(({ place }) => place).sort());
  const named = storeCalls.map(({ call }) => call).filter((call) => typeof call !== 'string');
  expect(named.flatMap(({ fails }) => fails).sort()).toEqual(Object.keys(situations).sort());
  expect([...named.flatMap(({ dies }) => dies), ...otherDeaths].sort()).toEqual(Object.keys(killPoints).sort());
});

test('Every other await, apart from calls of functions of the same sources, has its test', () => {
  expect(foreignAwaits(sources).sort()).toEqual(otherAwaits.map(({ place }) => place).sort());
});

test('Every test file that the table names contains a test', () => {
  const called = storeCalls.map(({ call }) => call).filter((call) => typeof call === 'string');
  for (const file of new Set([...called, ...otherAwaits.map(({ tested }) => tested)]))
    expect(readRepositoryFile(file), file).toContain('expect(');
});

const original = `
  export async function waitForOutcome(link, caller) {
    // It looks first.
    const found = await caller.look();
    return ask(() => link.store.acquire(found));
  }`;

const changes: readonly (readonly [change: string, isNoticed: boolean, text: string])[] = [
  ['a variable is renamed', false, original.replaceAll('found', 'seen')],
  ['what is awaited is renamed', false, original.replaceAll('caller', 'waiter').replace('look()', 'inspect()')],
  ['a comment is reworded', false, original.replace('It looks first.', 'Looks before it asks the store.')],
  ['something else is awaited too', true, original.replace('return', 'await caller.rest();\n    return')],
  ['the store is called again', true, original.replace('return', 'ask(() => link.store.acquire(null));\n    return')],
  ['another verb is called', true, original.replace('acquire', 'read')],
  ['an await stands in another function', true, original.replace('waitForOutcome', 'lookAgain')],
];

test.each(changes)('Where %s, the table has to change: %s', (_change, isNoticed, text) => {
  const placesIn = (of: string) => {
    const source = parse('packages/core/src/engine/await-outcome.ts', of);
    return [...storeCallsIn(source), ...foreignAwaits([source])];
  };
  expect(placesIn(original)).toEqual([
    'engine/await-outcome.ts waitForOutcome: acquire',
    'engine/await-outcome.ts waitForOutcome',
  ]);
  if (isNoticed) expect(placesIn(text)).not.toEqual(placesIn(original));
  else expect(placesIn(text)).toEqual(placesIn(original));
});
