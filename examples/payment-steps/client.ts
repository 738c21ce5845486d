// A customer's client: sends its order with one key, again and again, until it gets a final response.
import { setTimeout as pause } from 'node:timers/promises';

export interface PlacedOrder {
  /** What it got, one entry for each try. Equal entries in a row are one entry. */
  readonly seen: readonly string[];
  /** The last response. */
  readonly status: number;
}

/** `killAt` names the point at which the first try kills the server. */
export async function placeOrder(url: string, order: string, killAt: string | undefined): Promise<PlacedOrder> {
  const seen: string[] = [];
  const see = (what: string) => {
    if (seen.at(-1) !== what) seen.push(what);
  };
  // A server that was killed may take a while to start.
  const givesUpAt = performance.now() + 60_000;
  for (let tries = 0; performance.now() < givesUpAt; tries += 1) {
    const response = await send(url, order, tries === 0 ? killAt : undefined).catch(() => null);
    if (response === null) {
      see('no answer');
      await pause(100);
      continue;
    }
    const { code } = (await response.json()) as { code?: string };
    const retryAfter = response.headers.get('Retry-After');
    see([response.status, code].join(' ').trim());
    const comesAgain = response.status >= 500 || retryAfter !== null;
    if (!comesAgain) return { seen, status: response.status };
    await pause(Number(retryAfter ?? 0) * 1_000);
  }
  return { seen, status: 0 };
}

async function send(url: string, order: string, killAt: string | undefined): Promise<Response> {
  return await fetch(`${url}/orders`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Idempotency-Key': order,
      ...(killAt === undefined ? {} : { 'X-Die': killAt }),
    },
    body: JSON.stringify({ order, cents: 4_900 }),
  });
}
