// Which replies came from the memory of this process, so that the event `replayed` can say so. Shared by all copies of this package.
import { processWide } from './process-wide.js';

/** Marks a reply that a cache gave without asking its store. */
export function markCached(reply: object): void {
  cachedReplies().add(reply);
}

export function isCached(reply: object): boolean {
  return cachedReplies().has(reply);
}

function cachedReplies(): WeakSet<object> {
  return processWide('cached-replies/1', () => new WeakSet());
}
