// The client as the handler's side sees it while an answer is captured: one that never goes away.
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { insidesOf, type Overlay } from './overlay.js';
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
  const { emit } = res;
  const insides = insidesOf(res);
  let { socket, destroyed } = insides;
  let standIn: StandIn | undefined;
  let closeKeptBack = false;
  let isRevealed = false;

  function hideSocket(real: unknown): unknown {
    socket = real;
    if (!(real instanceof EventEmitter)) return real;
    standIn ??= standInFor(real, () => !isRevealed);
    insides.socket = standIn.socket;
    return standIn.socket;
  }

  hideSocket(socket);
  insides.destroyed = false;
  cover.value('closed', false);
  cover.value('writableFinished', false);
  // The list that on-finished keeps on a response: a layer outside has hung it on the real socket, so those inside
  // must start one of their own.
  cover.value('__onFinished', undefined);
  cover.value('emit', (event: string | symbol, ...args: unknown[]) => {
    // 'socket' comes with the turn of a pipelined request.
    if (event !== 'close') return emit.call(res, event, ...(event === 'socket' ? args.map(hideSocket) : args));
    // Node has just noted it.
    destroyed = true;
    insides.destroyed = false;
    closeKeptBack = true;
    return false;
  });
  cover.atEnd(() => Object.assign(insides, { socket, destroyed }));

  return {
    reveal() {
      if (isRevealed) return;
      isRevealed = true;
      standIn?.reveal();
      if (closeKeptBack) res.emit('close');
    },
  };
}
