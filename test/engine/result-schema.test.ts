// The option `resultSchema`: checks a recorded result before the caller gets it.
import { executeIdempotently } from '@onceguard/core';
import { expect, it } from 'vitest';
import { onEveryStore } from './store-testbed.js';

onEveryStore('A recorded result', (open) => {
  it('that does not fit the schema of a new version is told, and nothing runs', async () => {
    const { store } = open();
    const options = { store, scope: 'tests', key: 'order-1' };
    await executeIdempotently(() => 'of the old shape', options);
    const resultSchema = {
      parse(): number {
        throw new Error('a number was expected');
      },
    };
    const again = executeIdempotently<number>(() => expect.unreachable('It ran.'), { ...options, resultSchema });
    await expect(again).rejects.toMatchObject({
      code: 'outcome_invalid',
      message: expect.stringMatching(/does not fit its schema/),
    });
  });

  it('comes back as the schema makes it', async () => {
    const { store } = open();
    const options = { store, scope: 'tests', key: 'order-1', resultSchema: { parse: (value: unknown) => ({ value }) } };
    await executeIdempotently<unknown>(() => 'paid', options);
    expect(await executeIdempotently<unknown>(() => 'never', options)).toMatchObject({ value: { value: 'paid' } });
  });
});
