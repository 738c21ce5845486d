// The client as the handler's side sees it while an answer is captured: one that never goes away.
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Overlay } from './overlay.js';
import { type StandIn, standInFor } from './stand-in.js';

export interface HiddenDeparture {
  /** Shows the truth again; what was kept back is emitted now. To be called when the overlay has been lifted. */
  reveal(): void;
}

/**
 * Hides from whatever uses `res` that its client has gone. `pipe` and `pipeline` listen to 'close' of the response and
 * read `destroyed` and `closed`; `on-finished`, with which Express and Koa stop a file or a stream, listens to
 * `res.socket`. All of them would stop the source of the answer, and nothing would ever be recorded.
 */
export function hideDeparture(res: ServerResponse, cover: Overlay): HiddenDeparture {
  const emit = res.emit;
  let isHidden = true;
  let closeKeptBack = false;
  let standIn: StandIn | undefined;

  const inPlaceOf = (socket: unknown): unknown => {
    if (!(socket instanceof EventEmitter)) return socket;
    standIn ??= standInFor(socket, () => isHidden);
    return standIn.socket;
  };

  for (const name of ['destroyed', 'closed', 'writableFinished']) cover.getter(name, () => false);
  cover.getter('socket', inPlaceOf);
  // The list that on-finished keeps on a response: a layer outside has hung it on the real socket, so those inside
  // must start one of their own.
  cover.value('__onFinished', undefined);
  cover.value('emit', (event: string | symbol, ...args: unknown[]) => {
    // 'socket' comes with the turn of a pipelined request.
    if (event !== 'close') return emit.call(res, event, ...(event === 'socket' ? args.map(inPlaceOf) : args));
    closeKeptBack = true;
    return false;
  });

  return {
    reveal() {
      if (!isHidden) return;
      isHidden = false;
      standIn?.reveal();
      if (closeKeptBack) res.emit('close');
    },
  };
}
