// What a row is: one way of guarding POST /payments, as an app that can be started.
import type { RequestListener } from 'node:http';
import type { ConnectOptions } from '@onceguard/core/redis';

/** Where a row keeps its records. */
export interface StoreLocation {
  readonly redisUrl: string;
  /** Instead, for onceguard only: the nodes of a cluster. */
  readonly cluster?: ConnectOptions['cluster'];
  /** For onceguard only: the lifetime of its records; default a day. */
  readonly ttlMs?: number;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly kind: 'bare' | 'limit' | 'hand' | 'ours' | 'peer';
  /** What one has to know to read its figures. */
  readonly note: string;
  readonly keepsInRedis: boolean;
  /** The loads that it is measured under; default: all that are meant for its kind. */
  readonly loads?: readonly string[];
  /** Measured in every round, or in every second one; default 1. */
  readonly everyRounds?: 1 | 2;
  open(location: StoreLocation): Promise<RequestListener>;
}
