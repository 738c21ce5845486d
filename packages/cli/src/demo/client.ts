// The client of the demo: a shop that pays, and tries again.

export interface Payment {
  readonly key?: string;
  readonly amount: number;
  readonly signal?: AbortSignal;
}

export interface PaymentResponse {
  readonly status: number;
  readonly text: string;
  readonly replayed: boolean;
}

export async function pay(url: string, { key, amount, signal }: Payment): Promise<PaymentResponse> {
  const headers = { 'Content-Type': 'application/json', ...(key === undefined ? {} : { 'Idempotency-Key': key }) };
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ amount }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  return { status: response.status, text, replayed: response.headers.get('Idempotent-Replayed') === 'true' };
}
