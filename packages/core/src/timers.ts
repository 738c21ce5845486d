// What differs between the timers of Node and those of jsdom, in which jest runs tests of pages.

/** Calls back in the next turn of the event loop: `setImmediate` as it is when the package is loaded; jsdom has none. */
export const runInNextIteration: (callback: () => void) => unknown =
  typeof setImmediate === 'function' ? setImmediate : (callback) => setTimeout(callback, 0);

/**
 * Lets the process end although the timer still runs, and gives the timer back. In jsdom a timer is a number, and there is nothing
 * to do.
 */
export function unref<Timer>(timer: Timer): Timer {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref();
  return timer;
}
