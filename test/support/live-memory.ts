// How much memory is really in use, without what only waits for the garbage collector.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const collectGarbage: () => void = runInNewContext('gc');

/** Bytes on the heap and outside of it (buffers) that something still refers to. */
export function liveMemory(): number {
  collectGarbage();
  // What the first collection frees of buffers, it frees in the background, and still counts (Node 24). The second waits for it.
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
