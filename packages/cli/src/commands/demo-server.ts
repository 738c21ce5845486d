// One process of the payments API on the store of the demo, for the scenes in which a server is killed. Sends its address when it listens.
import { once } from 'node:events';
import { startPaymentsApi } from '../demo/api.js';
import { openDemoStore } from '../demo/demo-store.js';
import { exitStatus } from '../exit-status.js';

/** Short, so that the second server learns soon that the first is gone. */
const leaseMs = 2_000;

export async function runDemoServer([location = '', bankUrl = '', prefix = '']: readonly string[]): Promise<number> {
  const store = await openDemoStore(location, prefix);
  const api = await startPaymentsApi(store, bankUrl, leaseMs);
  process.send?.(api.url);
  await once(process, 'disconnect');
  await api.close();
  await store.close();
  return exitStatus.fine;
}
