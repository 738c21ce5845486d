// Express behind the wrapper that lets it accept requests over HTTP/2.
import express from 'express';
import wrap from 'http2-express';

/** `express` whose applications understand both versions of HTTP. The function's properties are those of Express. */
export const expressOverHttp2 = Object.assign(() => wrap(ownCopy()), express) as unknown as typeof express;

/** The wrapper changes the application that it gets, so it gets a copy: other tests use the original. */
function ownCopy(): typeof express {
  const application = Object.defineProperties({}, Object.getOwnPropertyDescriptors(express.application));
  return { ...express, application } as unknown as typeof express;
}
