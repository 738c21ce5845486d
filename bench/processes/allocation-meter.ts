// How many bytes of the heap the program allocates: garbage, but for what it keeps.
import { GCProfiler } from 'node:v8';

/**
 * Counts what every garbage collection has freed, and by how much the heap has grown. Memory outside of the heap (the bytes of a
 * `Buffer` that is not small) does not count.
 */
export class AllocationMeter {
  #collections = new GCProfiler();
  #usedAtBegin = 0;

  begin(): void {
    this.#collections = new GCProfiler();
    this.#usedAtBegin = process.memoryUsage().heapUsed;
    this.#collections.start();
  }

  /** The bytes since `begin`. */
  end(): number {
    const growth = process.memoryUsage().heapUsed - this.#usedAtBegin;
    const freed = this.#collections
      .stop()
      .statistics.map(({ beforeGC, afterGC }) => {
        return beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
      })
      .reduce((sum, bytes) => sum + bytes, 0);
    return growth + freed;
  }
}
