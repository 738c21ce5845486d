// A server with steps in its own process: tests learn which step acted, and kill the server during one.
import { EventEmitter, once } from 'node:events';
import type { Options } from '../../packages/testing/src/adapter-suite/framework.js';
import { type ChildProgram, startChild } from './child-process.js';

export interface Settings {
  readonly prefix: string;
  readonly apps: readonly { readonly framework: string; readonly options: Options }[];
}

export interface Listening {
  readonly ports: readonly number[];
}

/** A message: a step acts now. */
export interface StepAct {
  /** The key of the request. */
  readonly request: string;
  readonly step: string;
  /** The key that the other system gets. */
  readonly key: string;
  readonly attempt: number;
}

/** The header that names the step in which the handler stops. */
export const stopInStepHeader = 'x-stand-still-in';

export interface StepsServer {
  readonly ports: readonly number[];
  /** The steps that acted for this request, such as `charge 1` for the first attempt's charge. */
  acts(request: string): readonly StepAct[];
  /** Resolves when this step acts for this request. */
  untilActed(request: string, step: string): Promise<void>;
  kill(): Promise<void>;
}

export async function startStepsServer(settings: Settings): Promise<StepsServer> {
  const child: ChildProgram<Listening> = await startChild('steps-server.ts', settings);
  const all: StepAct[] = [];
  const messages = new EventEmitter().setMaxListeners(0);
  child.process.on('message', (act: StepAct) => {
    all.push(act);
    messages.emit(`${act.request} ${act.step}`);
  });
  const acts = (request: string) => all.filter((act) => act.request === request);
  return {
    ports: child.firstMessage.ports,
    acts,
    untilActed: async (request, step) => {
      if (!acts(request).some((act) => act.step === step)) await once(messages, `${request} ${step}`);
    },
    kill: child.kill,
  };
}
