// Waits for an event of onceguard, instead of for time to pass.
import { type EventName, type Events, onEvent } from '@onceguard/core';

/** Resolves with the next event of this name. Call it before the action that causes the event. */
export async function nextEvent<Name extends EventName>(name: Name): Promise<Events[Name]> {
  return await new Promise((resolve) => {
    const stop = onEvent(name, (event) => {
      stop();
      resolve(event);
    });
  });
}
