// Controls a victim process: what its callers got, when all its executions have reached their point, and its kill.
import { EventEmitter, once } from 'node:events';
import { startChild } from '../../adapters/child-process.js';
import type { VictimMessage, VictimPorts, VictimSettings } from '../processes/victim.js';
import { type CallerOutcome, callOverHttp } from './entry-points.js';
import type { KillPoint } from './kill-point.js';
import { casesOf, type KillCase, keyOf, killPoints, titleOf } from './kill-points.js';

export interface Victim {
  /** What the caller of each case got, by the case's title. */
  readonly callerOutcomes: Promise<ReadonlyMap<string, CallerOutcome>>;
  /**
   * Resolves when all executions have reached their point, with the name of each record; null where the store was not
   * called.
   */
  readonly reached: Promise<ReadonlyMap<string, string | null>>;
  kill(): Promise<void>;
}

/** Starts a victim, and its executions. */
export async function startVictim(settings: VictimSettings): Promise<Victim> {
  const { killPoint, moments, group } = settings;
  const child = await startChild<VictimPorts>('../../faults/processes/victim.ts', settings);
  const messages = new EventEmitter().setMaxListeners(0);
  child.process.on('message', (message: VictimMessage) => {
    if ('outcome' in message) messages.emit(`outcome ${message.title}`, message.outcome);
    else messages.emit(`reached ${message.title}`, message.reached.name);
  });
  const exited = once(child.process, 'exit').then(() => ['nothing']);
  const outcomeOf = async (killCase: KillCase): Promise<CallerOutcome> => {
    const port = child.firstMessage.ports[titleOf(killCase)];
    if (port !== undefined) return await callAsVictimsClient(port, keyOf(group, killCase), killPoints[killPoint]);
    const [outcome] = await Promise.race([once(messages, `outcome ${titleOf(killCase)}`), exited]);
    return outcome;
  };
  const recordNameOf = async (killCase: KillCase): Promise<string | null> => {
    const [name] = await once(messages, `reached ${titleOf(killCase)}`);
    return name;
  };
  const ofAll = async <T>(read: (killCase: KillCase) => Promise<T>): Promise<ReadonlyMap<string, T>> => {
    const entries = casesOf(killPoint, moments).map(
      async (killCase) => [titleOf(killCase), await read(killCase)] as const,
    );
    return new Map(await Promise.all(entries));
  };
  const victim = { callerOutcomes: ofAll(outcomeOf), reached: ofAll(recordNameOf), kill: child.kill };
  child.process.send('begin');
  return victim;
}

async function callAsVictimsClient(port: number, key: string, { earlierCaller }: KillPoint): Promise<CallerOutcome> {
  const before = earlierCaller === undefined ? null : callOverHttp(port, key);
  if (earlierCaller === 'has finished') await before;
  return await callOverHttp(port, key);
}
