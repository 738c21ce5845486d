// paying-client.ts <url> <keys directory> <crash>: pays for order-1. With `before-send` it dies after its key is stored and before it is
// sent; with `before-answer` after the server has answered. Prints the status and the body.
import { idempotentFetch } from '@onceguard/client';
import { fileKeys } from '@onceguard/client/file';

const [url = '', directory = '', crash = ''] = process.argv.slice(2);

const pay = idempotentFetch({
  baseDelayMs: 20,
  keyStore: fileKeys(directory),
  fetch: async (...args) => {
    if (crash === 'before-send') process.kill(process.pid, 'SIGKILL');
    const response = await fetch(...args);
    if (crash === 'before-answer') process.kill(process.pid, 'SIGKILL');
    return response;
  },
});
const headers = { 'Content-Type': 'application/json' };
const response = await pay(url, { method: 'POST', headers, body: '{"amount":20}', intent: 'order-1' });
process.stdout.write(`${response.status} ${await response.text()}`);
