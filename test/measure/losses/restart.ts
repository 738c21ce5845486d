// A server is killed and restarted, with what it has on disk.
import { startRedis } from '@onceguard/testing';
import { CountedOperations, type Losses } from './counted-operations.js';
import { type LossRow, withStore } from './loss-row.js';

const fault = 'kill -9, restart';
const appendOnly = ['--appendonly', 'yes', '--appendfsync'];

export const restarts: readonly LossRow[] = [
  { setting: 'nothing on disk', fault, runAgain: 'all', measure: (count) => measureRestart(count, {}) },
  { setting: 'RDB', fault, runAgain: 'some', measure: (count) => measureRestart(count, { snapshot: true }) },
  { setting: 'AOF, everysec', fault, measure: (count) => measureRestart(count, { args: [...appendOnly, 'everysec'] }) },
  {
    setting: 'AOF, always',
    fault,
    runAgain: 'none',
    measure: (count) => measureRestart(count, { args: [...appendOnly, 'always'] }),
  },
];

/** With `snapshot`, one is taken after half of the operations. */
async function measureRestart(count: number, { args = [] as readonly string[], snapshot = false }): Promise<Losses> {
  const server = await startRedis({ args });
  try {
    const operations = new CountedOperations();
    const half = Math.ceil(count / 2);
    await withStore(server.url, async (store) => {
      await operations.run(store, { count: half });
      if (snapshot) await server.command('SAVE');
      await operations.run(store, { count: count - half });
    });
    await server.restart();
    return await withStore(server.url, async (store) => await operations.losses(store));
  } finally {
    await server.stop();
  }
}
