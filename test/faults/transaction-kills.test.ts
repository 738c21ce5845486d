// Processes that pay in transactions, and their database, are killed at random moments. `npm run chaos:transactions` does it 1 000 times.
import { expect, test } from 'vitest';
import { runKillTrials } from '../transactions/kill-trials.js';

const seed = 20_261_130;

test(`After 24 kills of processes and of the database, effects, records and messages agree for each key, and every key ends once (seed ${seed})`, {
  timeout: 300_000,
}, async () => {
  const report = await runKillTrials({
    mode: 'transaction',
    seed,
    processKills: 21,
    databaseKills: 3,
    keysPerProcess: 60,
  });
  const nothing = {
    twoEffects: 0,
    effectWithoutRecord: 0,
    recordWithoutEffect: 0,
    messagesAndEffects: 0,
    toldWithoutEffect: 0,
    accounts: 0,
  };
  expect(report.worst).toEqual(nothing);
  expect(report.atTheEnd).toEqual({ ...nothing, keysNotDone: 0, messagesNotPublished: 0 });
  expect(report.processKillsMidway).toBeGreaterThan(5);
});
