// Timers that work in Node and in jsdom, in which Jest runs tests of web pages.

/** Calls back in the next iteration of the event loop. Uses the `setImmediate` that exists when the package is loaded; jsdom has none. */
export const runInNextIteration: (callback: () => void) => unknown =
  typeof setImmediate === 'function' ? setImmediate : (callback) => setTimeout(callback, 0);

/**
 * Calls back once `ms` are over and what has arrived by then is read. Node runs a late timer before it reads, so a process that stood still
 * would give up calls whose replies are there. `clearTimeout` does not stop a callback that is due: it must allow for a reply before it.
 */
export function startDeadline(ms: number, onOver: () => void): NodeJS.Timeout {
  return setTimeout(() => void runInNextIteration(onOver), ms);
}

/** Lets the process end although the timer still runs. Returns the timer. In jsdom a timer is a number, and this does nothing. */
export function unref<Timer>(timer: Timer): Timer {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref();
  return timer;
}
