// What counts as a Response, and which ones can be recorded.

/** By its shape: frameworks and other realms have classes of their own. */
export function isResponse(value: unknown): value is Response {
  if (typeof value !== 'object' || value === null) return false;
  const { status, headers, arrayBuffer } = value as Partial<Response>;
  return typeof status === 'number' && typeof headers?.get === 'function' && typeof arrayBuffer === 'function';
}

/** Whether a response with this status has no body, whatever its headers say (RFC 9110 section 6.4.1). */
export function isBodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304;
}

/** Why this cannot be recorded and sent, with the remedy. Null: it can. */
export function describeUnusable(returned: unknown): string | null {
  if (!isResponse(returned)) {
    return `The handler returned ${describeValue(returned)} instead of a Response. Return one on every path, such as Response.json(…).`;
  }
  const { status } = returned;
  if (status >= 200 && status <= 599) return null;
  return `The handler returned a Response with the status ${status}, which cannot be recorded. Return one with a status from 200 to 599.`;
}

export const usedResponseMessage =
  'The handler returned a Response whose body was read before, or an outer layer has sent it already. ' +
  'Return a Response whose body nobody has read, or its clone().';

/** The type of the value and not its content, which may be private. */
function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
