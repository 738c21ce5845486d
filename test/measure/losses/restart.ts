// A server that is killed and started again, with what it has on disk.
import { startRedis } from '@onceguard/testing';
import { type Losses, Operations } from './operations.js';
import { type Row, withStore } from './row.js';

const fault = 'kill -9, restart';
const appendOnly = ['--appendonly', 'yes', '--appendfsync'];

export const restarts: readonly Row[] = [
  { setting: 'nothing on disk', fault, runAgain: 'all', measure: (count) => crashed(count, {}) },
  { setting: 'RDB', fault, runAgain: 'some', measure: (count) => crashed(count, { snapshot: true }) },
  { setting: 'AOF, everysec', fault, measure: (count) => crashed(count, { args: [...appendOnly, 'everysec'] }) },
  {
    setting: 'AOF, always',
    fault,
    runAgain: 'none',
    measure: (count) => crashed(count, { args: [...appendOnly, 'always'] }),
  },
];

/** With a snapshot: at half time. */
async function crashed(count: number, { args = [] as readonly string[], snapshot = false }): Promise<Losses> {
  const server = await startRedis({ args });
  try {
    const operations = new Operations();
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
