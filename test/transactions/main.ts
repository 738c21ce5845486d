// npm run chaos:transactions: kills processes and the database while they pay, in transactions and by lease alone, and prints what disagrees.
import { parseArgs } from 'node:util';
import type { Mode } from './compare-payments.js';
import { runKillTrials } from './kill-trials.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'both' },
  },
});

const kills = Number(values.kills);
const databaseKills = Math.ceil(kills / 20);
const modes: readonly Mode[] =
  values.mode === 'transaction' || values.mode === 'lease' ? [values.mode] : ['transaction', 'lease'];

for (const mode of modes) {
  const report = await runKillTrials({
    mode,
    seed: Number(values.seed),
    processKills: kills - databaseKills,
    databaseKills,
    keysPerProcess: 60,
  });
  console.log(JSON.stringify(report, null, 2));
  const { keysNotDone, messagesNotPublished, ...disagreements } = report.atTheEnd;
  const wrong = Object.values({ ...report.worst, ...disagreements, keysNotDone, messagesNotPublished });
  if (mode === 'transaction' && wrong.some((count) => count > 0)) process.exitCode = 1;
}
