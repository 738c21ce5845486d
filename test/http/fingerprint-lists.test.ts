// The option fingerprint as a list: what is rejected when the middleware is made.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle } from '@onceguard/core/http';
import { describe, expect, it } from 'vitest';

const byAmount = () => '10';

describe('An invalid list of fingerprints is rejected:', () => {
  it.each([
    ['an empty one', []],
    ['one version twice', [{ version: '2', of: byAmount }, 'default', { version: '2', of: byAmount }]],
    ['the default twice', ['default', 'default']],
    ['two functions without a version', [byAmount, byAmount]],
    ['a version that stands for the default', [{ version: 'v1', of: byAmount }]],
    ['a version with a colon', [{ version: 'a:b', of: byAmount }]],
    ['another word', ['standard']],
  ])('%s', async (_title, fingerprint) => {
    const store = new MemoryStore();
    expect(() => createLifecycle({ store, scope: 'public', fingerprint } as never)).toThrow(
      expect.objectContaining({ code: 'option_invalid', message: expect.stringMatching(/fingerprint.*; it must/) }),
    );
    await store.close();
  });
});
