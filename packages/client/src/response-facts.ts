// What is known of a response beyond what it says itself.

const attempts = new WeakMap<Response, number>();

export function noteAttempts(response: Response, count: number): Response {
  attempts.set(response, count);
  return response;
}

/**
 * How often the request was sent until this response came: 1 or more. 0 for a response that does not come from `idempotentFetch`.
 *
 * @example
 * const response = await pay('/payments', { method: 'POST', body });
 * if (attemptsOf(response) > 1) log.info('the network is bad');
 */
export function attemptsOf(response: Response): number {
  return attempts.get(response) ?? 0;
}

/**
 * Whether the server sent what it has on record, so that nothing ran for this send. Reads the header `Idempotent-Replayed`, which a server
 * of another origin must expose (`Access-Control-Expose-Headers`).
 *
 * @example
 * if (isReplayed(response)) show('This order was placed before.');
 */
export function isReplayed(response: Response): boolean {
  return response.headers.get('Idempotent-Replayed') === 'true';
}
