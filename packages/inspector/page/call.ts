// The calls of the handler. The header says that the page made them; no other site can send it.

/** What went wrong, as a sentence for people. */
class CallError extends Error {}

export async function call<Reply>(name: string, input: object = {}): Promise<Reply> {
  const response = await post(name, input);
  const reply: unknown = await response.json().catch(() => ({ error: wordsFor(response.status) }));
  if (response.ok) return reply as Reply;
  const message = typeof reply === 'object' && reply !== null && 'error' in reply ? String(reply.error) : '';
  throw new CallError(message || wordsFor(response.status));
}

async function post(name: string, input: object): Promise<Response> {
  try {
    return await fetch(`api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-onceguard-inspector': '1' },
      body: JSON.stringify(input),
      redirect: 'error',
    });
  } catch {
    throw new CallError('The server does not answer. Is it still running, and are you still signed in?');
  }
}

function wordsFor(status: number): string {
  if (status === 401 || status === 403) return 'You are not signed in any more. Reload the page.';
  return `The server answered with status ${status}.`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
