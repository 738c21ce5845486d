// How much the tests of random inputs do: enough in `npm test` to find every mistake that they are tried with, and more in `npm run test:long`.

/** The larger amount where the variable `ONCEGUARD_LONG` is set, as `npm run test:long` does; else the usual one. */
export function amountOf({ usual, long }: { readonly usual: number; readonly long: number }): number {
  return process.env.ONCEGUARD_LONG ? long : usual;
}
