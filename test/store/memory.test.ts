// MemoryStore passes the published store suite.
import { describe, test } from 'vitest';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { manualClock, storeSuite } from '../../packages/testing/src/index.js';

const runner = { describe, test };

storeSuite({
  name: 'MemoryStore on a manual clock',
  runner,
  capabilities: { shared: false, controllableClock: true },
  async create() {
    const clock = manualClock();
    return { store: new MemoryStore({ clock: clock.now }), advance: clock.advance, close: async () => {} };
  },
});

storeSuite({
  name: 'MemoryStore on the clock of the process',
  runner,
  capabilities: { shared: false, controllableClock: false },
  create: async () => ({ store: new MemoryStore(), close: async () => {} }),
});
