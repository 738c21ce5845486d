// The defaults of the option `backoff` of a step.
import { expect, it } from 'vitest';
import { checkStepOptions } from '../../packages/core/src/engine/step-options.js';

it('A first wait that is longer than the default maximum raises the maximum', () => {
  expect(checkStepOptions('charge', { backoff: { initialMs: 60_000 } }).backoff.maxMs).toBe(60_000);
  expect(checkStepOptions('charge', { retries: 1 }).backoff).toEqual({ initialMs: 1_000, factor: 2, maxMs: 30_000 });
});
