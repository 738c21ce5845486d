// Timers under every global object: that of a browser, as in Jest's jsdom, has no setImmediate and gives numbers for timers.

/** Lets the process end while the timer is pending. A timer that is a number belongs to no process. */
export function unref<Timer>(timer: Timer): Timer {
  if (hasUnref(timer)) timer.unref();
  return timer;
}

function hasUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function';
}

const laterAtLoad = setTimeout;

/** Calls back in the next turn of the event loop, in a test with fake timers too: they are replaced after this was loaded. */
export const inNextTurn: (callback: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (callback) => void laterAtLoad(callback, 0);
