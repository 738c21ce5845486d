// A victim from outside: what its callers are told, when all its executions are at their point, and its end.
import { EventEmitter, once } from 'node:events';
import { startChild } from '../../adapters/child.js';
import type { Listening, News, Settings } from '../processes/victim.js';
import { type Case, casesOf, type Death, deaths, keyOf, titleOf } from './deaths.js';
import { askHttp, type Words } from './ways.js';

export interface Victim {
  /** What the caller of each case was told, by its title. */
  readonly told: Promise<ReadonlyMap<string, Words>>;
  /** Resolves when all executions are at their point, with the name of each record; null where the store was not asked. */
  readonly reached: Promise<ReadonlyMap<string, string | null>>;
  kill(): Promise<void>;
}

/** Starts it, and has it begin. */
export async function startVictim(settings: Settings): Promise<Victim> {
  const { death, moments, group } = settings;
  const child = await startChild<Listening>('../../faults/processes/victim.ts', settings);
  const news = new EventEmitter().setMaxListeners(0);
  child.process.on('message', (said: News) => {
    if ('told' in said) news.emit(`told ${said.title}`, said.told);
    else news.emit(`reached ${said.title}`, said.reached.name);
  });
  const gone = once(child.process, 'exit').then(() => ['nothing']);
  const told = async (one: Case): Promise<Words> => {
    const port = child.told.ports[titleOf(one)];
    if (port !== undefined) return await askAsLast(port, keyOf(group, one), deaths[death]);
    const [words] = await Promise.race([once(news, `told ${titleOf(one)}`), gone]);
    return words;
  };
  const reached = async (one: Case): Promise<string | null> => {
    const [name] = await once(news, `reached ${titleOf(one)}`);
    return name;
  };
  const ofAll = async <T>(tell: (one: Case) => Promise<T>): Promise<ReadonlyMap<string, T>> => {
    const entries = casesOf(death, moments).map(async (one) => [titleOf(one), await tell(one)] as const);
    return new Map(await Promise.all(entries));
  };
  const victim = { told: ofAll(told), reached: ofAll(reached), kill: child.kill };
  child.process.send('begin');
  return victim;
}

async function askAsLast(port: number, key: string, { first }: Death): Promise<Words> {
  const before = first === undefined ? null : askHttp(port, key);
  if (first === 'is told') await before;
  return await askHttp(port, key);
}
