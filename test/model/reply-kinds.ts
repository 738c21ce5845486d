// Counts the kinds of reply that a random walk met. A walk that misses one proves nothing about it.
import { expect } from 'vitest';

/** Every kind of reply of every verb. */
const replyKinds = [
  'acquire: acquired, acquired with steps, acquired takeover, acquired takeover with steps, acquired recovering, ' +
    'acquired recovering with steps, key_reused, in_progress, superseded, outcome_unknown, completed, expired',
  'renew: ok, lost, gone, restored',
  'checkpoint: ok, lost, gone',
  'complete: ok, gone, restored, lost key_reused, lost in_progress, lost retryable, lost outcome_unknown, lost completed, ' +
    'lost expired',
  'release: ok, lost, gone',
  'resolve: ok, gone, conflict in_progress, conflict retryable, conflict outcome_unknown, conflict completed, ' +
    'conflict expired',
];

export class ReplyCounts {
  readonly #counts = new Map<string, number>();

  readonly add = (reply: string): void => {
    this.#counts.set(reply, (this.#counts.get(reply) ?? 0) + 1);
  };

  expectEachKind(least: number, seed: number): void {
    for (const line of replyKinds) {
      const [verb, kinds = ''] = line.split(': ');
      for (const kind of kinds.split(', ')) {
        const count = this.#counts.get(`${verb} ${kind}`) ?? 0;
        expect.soft(count, `${verb} ${kind}, seed ${seed}`).toBeGreaterThanOrEqual(least);
      }
    }
  }
}
