// Errors that frameworks turn into a response with their status, as the package http-errors makes them.

export function httpError(status: number, message = 'It failed.', headers: Record<string, string> = {}): Error {
  return Object.assign(new Error(message), { status, statusCode: status, expose: status < 500, headers });
}
