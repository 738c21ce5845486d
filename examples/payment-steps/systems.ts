// How the shop calls the other systems. A system that honours keys gets one.
import type { Entry } from './back-office.js';
import type { Charge } from './provider.js';

export interface Systems {
  reserve(order: string, key: string): Promise<Entry>;
  charge(order: string, cents: number, key: string, signal: AbortSignal): Promise<Charge>;
  ship(order: string, key: string): Promise<Entry>;
  mail(order: string): Promise<Entry>;
  /** What the provider did under this key, if it ever got the key. */
  findCharge(key: string): Promise<Charge | undefined>;
  /** Whether the mailer's log has a mail for this order. */
  findMail(order: string): Promise<Entry | undefined>;
}

export function systemsAt(provider: string, backOffice: string): Systems {
  return {
    reserve: async (order, key) => await post(`${backOffice}/reservations`, { order }, { key }),
    charge: async (order, cents, key, signal) =>
      await post(
        `${provider}/charges`,
        { order, cents },
        { key, signal: AbortSignal.any([signal, providerTimeout()]) },
      ),
    ship: async (order, key) => await post(`${backOffice}/shipments`, { order }, { key }),
    mail: async (order) => await post(`${backOffice}/mails`, { order }),
    findCharge: async (key) => (await fetchList<Charge>(`${provider}/charges?key=${key}`))[0],
    findMail: async (order) => (await fetchList<Entry>(`${backOffice}/mails?order=${order}`))[0],
  };
}

/** How long the shop waits for the provider. */
const providerTimeout = () => AbortSignal.timeout(1_000);

async function post<T>(url: string, body: object, { key, signal }: { key?: string; signal?: AbortSignal } = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}

export async function fetchList<T>(url: string): Promise<T[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T[];
}
