// The checkout: one intent for each order, so that its key outlives a reload and is the same in every tab.
import { IdempotentFetchError, idempotentFetch, indexedDbKeys, isReplayed } from '@onceguard/client';

const parameters = new URLSearchParams(location.search);
const order = parameters.get('order') ?? String(Date.now());
const api = parameters.get('api') ?? '';
const find = (id) => document.getElementById(id);
const show = (text) => {
  find('message').textContent = text;
};

const pay = idempotentFetch({
  keyStore: indexedDbKeys(),
  retries: 30,
  tryTimeoutMs: 8_000,
  totalTimeoutMs: 120_000,
  maxDelayMs: 3_000,
  onRetry: ({ attempts }) => show(`No answer yet. Trying again under the same key (${attempts} sent) …`),
});

async function payOrder() {
  // Remembered until there is an answer: after a reload the page goes on by itself.
  localStorage.setItem('paying', order);
  show('Paying …');
  try {
    const response = await pay(`${api}/payments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ order, amount: 20, card: find('card').value }),
      intent: `order-${order}`,
    });
    localStorage.removeItem('paying');
    show(await messageOf(response));
  } catch (error) {
    if (!(error instanceof IdempotentFetchError)) throw error;
    show(error.customerMessage);
  }
  await showCharges();
}

async function messageOf(response) {
  if (response.status === 402) return 'Your card was declined. Nothing was charged: choose another one.';
  if (!response.ok) return `This did not work (${response.status}). Nothing was charged.`;
  const { id } = await response.json();
  return isReplayed(response) ? `Paid: ${id}. It had been paid already, and was not charged again.` : `Paid: ${id}.`;
}

async function showCharges() {
  const response = await fetch(`${api}/charges?order=${order}`).catch(() => null);
  if (response !== null) find('charges').textContent = String((await response.json()).length);
}

async function makeHard(button) {
  const headers = { 'Content-Type': 'application/json' };
  await fetch(`${api}/mischief`, { method: 'POST', headers, body: button.dataset.mischief });
  show(`${button.textContent}: ready.`);
}

find('order').textContent = order;
find('tab').href = `?order=${order}`;
history.replaceState(null, '', `?${new URLSearchParams({ ...Object.fromEntries(parameters), order })}`);
find('pay').addEventListener('click', () => void payOrder());
// A press before this line would be lost.
find('pay').disabled = false;
for (const button of document.querySelectorAll('[data-mischief]')) {
  button.addEventListener('click', () => void makeHard(button));
}
await showCharges();
if (localStorage.getItem('paying') === order) await payOrder();
