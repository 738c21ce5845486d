// A payment provider with its charges in a file: it recognises a key that it has seen, as real ones do.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface Charge {
  readonly id: string;
  readonly order: string;
  readonly amount: number;
  readonly key: string;
}

export interface Provider {
  charge(what: { readonly order: string; readonly amount: number }, key: string): Promise<Charge>;
  chargesOf(order: string): Charge[];
}

export function openProvider(file: string): Provider {
  const charges: Charge[] = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : [];
  return {
    async charge({ order, amount }, key) {
      const known = charges.find((charge) => charge.key === key);
      if (known !== undefined) return known;
      const charge = { id: `ch_${charges.length + 1}`, order, amount, key };
      appendFileSync(file, `${JSON.stringify(charge)}\n`);
      charges.push(charge);
      return charge;
    },
    chargesOf: (order) => charges.filter((charge) => charge.order === order),
  };
}
