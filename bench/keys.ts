// The idempotency keys that a load sends: which, in which order, and how often the work has to be done for them.

const repeatedMark = 'repeated-';

/** Keys begin with `prefix`, which no other load has. */
export type KeyPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'fresh'; readonly prefix: string }
  /** `count` keys in turn, again and again; a share of all requests, 0 to 1, has a fresh key instead. */
  | {
      readonly kind: 'repeated';
      readonly prefix: string;
      readonly count: number;
      readonly freshShare: number;
      readonly freshPrefix: string;
    }
  /** Each key is sent `size` times at once. */
  | { readonly kind: 'bursts'; readonly prefix: string; readonly size: number };

/** Whether this key was sent before the measurement, in any row. */
export function isRepeated(key: string): boolean {
  return key.startsWith(repeatedMark);
}

export class Keys {
  /** How many keys were sent for the first time: the work has to be done once for each. */
  fresh = 0;
  readonly #plan: KeyPlan;
  #sent = 0;

  constructor(plan: KeyPlan) {
    this.#plan = plan;
  }

  /** The key of the next request; null if the load sends none. */
  next(): string | null {
    const plan = this.#plan;
    const at = this.#sent++;
    switch (plan.kind) {
      case 'none':
        this.fresh += 1;
        return null;
      case 'fresh':
        return this.#fresh(plan.prefix);
      case 'repeated': {
        const isFresh = Math.floor((at + 1) * plan.freshShare) > Math.floor(at * plan.freshShare);
        return isFresh ? this.#fresh(plan.freshPrefix) : `${repeatedMark}${numberedKey(plan.prefix, at % plan.count)}`;
      }
      case 'bursts':
        return at % plan.size === 0 ? this.#fresh(plan.prefix) : numberedKey(plan.prefix, this.fresh);
    }
  }

  #fresh(prefix: string): string {
    this.fresh += 1;
    return numberedKey(prefix, this.fresh);
  }
}

function numberedKey(prefix: string, number: number): string {
  return `${prefix}-${String(number).padStart(8, '0')}`;
}
