// Controls a victim process: what its callers got, when all its executions have reached their point, and its kill.
import { EventEmitter, once } from 'node:events';
import { startChild } from '../../adapters/child-process.js';
import type { VictimMessage, VictimPorts, VictimSettings } from '../processes/victim.js';
import { type CallerOutcome, callOverHttp } from './entry-points.js';
import { casesOf, type KillCase, type KillPoint, keyOf, killPoints, titleOf } from './kill-points.js';

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
  const { death, moments, group } = settings;
  const child = await startChild<VictimPorts>('../../faults/processes/victim.ts', settings);
  const news = new EventEmitter().setMaxListeners(0);
  child.process.on('message', (said: VictimMessage) => {
    if ('told' in said) news.emit(`told ${said.title}`, said.told);
    else news.emit(`reached ${said.title}`, said.reached.name);
  });
  const gone = once(child.process, 'exit').then(() => ['nothing']);
  const told = async (one: KillCase): Promise<CallerOutcome> => {
    const port = child.firstMessage.ports[titleOf(one)];
    if (port !== undefined) return await callAsVictimsClient(port, keyOf(group, one), killPoints[death]);
    const [words] = await Promise.race([once(news, `told ${titleOf(one)}`), gone]);
    return words;
  };
  const reached = async (one: KillCase): Promise<string | null> => {
    const [name] = await once(news, `reached ${titleOf(one)}`);
    return name;
  };
  const ofAll = async <T>(tell: (one: KillCase) => Promise<T>): Promise<ReadonlyMap<string, T>> => {
    const entries = casesOf(death, moments).map(async (one) => [titleOf(one), await tell(one)] as const);
    return new Map(await Promise.all(entries));
  };
  const victim = { callerOutcomes: ofAll(told), reached: ofAll(reached), kill: child.kill };
  child.process.send('begin');
  return victim;
}

async function callAsVictimsClient(port: number, key: string, { earlierCaller }: KillPoint): Promise<CallerOutcome> {
  const before = earlierCaller === undefined ? null : callOverHttp(port, key);
  if (earlierCaller === 'has finished') await before;
  return await callOverHttp(port, key);
}
