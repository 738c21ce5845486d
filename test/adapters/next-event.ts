// Waits for what onceguard tells, instead of for time to pass.
import { type EventName, type Events, onEvent } from '@onceguard/core';

/** The next event of this name. To be called before what causes it. */
export async function nextEvent<Name extends EventName>(name: Name): Promise<Events[Name]> {
  return await new Promise((resolve) => {
    const stop = onEvent(name, (event) => {
      stop();
      resolve(event);
    });
  });
}
