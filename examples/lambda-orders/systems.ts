// Stand-ins for the systems of the shop: its store, its queue, its shipping company. On Lambda the store is `await RedisStore.connect(process.env.REDIS_URL)`.
import { type IdempotencyStore, MemoryStore } from '@onceguard/core';

export interface ShopOrder {
  readonly orderId: string;
  readonly item: string;
}

export const store: IdempotencyStore = new MemoryStore();

export const queue = {
  messages: [] as string[],
  async send(order: ShopOrder): Promise<void> {
    this.messages.push(JSON.stringify(order));
  },
};

export const carrier = {
  shipped: [] as string[],
  /** Fails once, as carriers do. */
  isAway: true,
  async ship({ item }: ShopOrder, { signal }: { idempotencyKey: string; signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (item === 'tea' && this.isAway) {
      this.isAway = false;
      throw new Error('the carrier is away');
    }
    this.shipped.push(item);
  },
};
