// Work in steps, of which one may vanish: the operation that the tests of recovery run.
import type { OperationContext } from '@onceguard/core';
import { neverSettles } from './abandoned-work.js';

/** Work in three steps: reserve, charge (at most once), send. */
export function orderedWork(vanishAt: string | null = null) {
  const calls: string[] = [];
  const keys = new Map<string, string>();
  const act =
    (name: string, vanish: () => Promise<never>) =>
    async ({ key }: { key: string }) => {
      calls.push(name);
      keys.set(name, key);
      if (name === vanishAt) return await vanish();
      return `${name} ok`;
    };
  const operation = async ({ step }: OperationContext, vanish: () => Promise<never> = neverSettles) => {
    await step('reserve', act('reserve', vanish));
    await step('charge', act('charge', vanish), { atMostOnce: true });
    await step('send', act('send', vanish));
    return 'sold';
  };
  return { calls, keys, operation };
}
