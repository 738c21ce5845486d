// What frameworks have in common whose handlers get the response of node:http.
import type { ServerResponse } from 'node:http';
import type { ResponseHeaders } from './framework.js';

/** The headers of a response of node:http, for registrations of frameworks whose handlers get one. */
export function nodeHeaders(res: ServerResponse): ResponseHeaders {
  return {
    get: (name) => {
      const value = res.getHeader(name);
      return value === undefined ? undefined : String(value);
    },
    set: (name, value) => void res.setHeader(name, value),
    remove: (name) => res.removeHeader(name),
  };
}
