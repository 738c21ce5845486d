// Measures the memory in use, without garbage.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc: (options?: { type: 'minor' }) => void = runInNewContext('gc');

export const collectGarbage = (): void => gc();

/** A minor collection: of the objects that are new. */
export const collectYoungGarbage = (): void => gc({ type: 'minor' });

/** Bytes on the heap and outside of it (buffers) that are still referenced. */
export function liveMemory(): number {
  collectGarbage();
  // The first collection frees buffers in the background and still counts them (Node 24). The second one waits for
  // that.
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
