// Express behind the wrapper that lets it take requests over HTTP/2.
import express from 'express';
import wrap from 'http2-express';

/** `express` with applications that understand both versions of HTTP. What hangs on the function is Express' own. */
export const expressOverHttp2 = Object.assign(() => wrap(ownCopy()), express) as unknown as typeof express;

/** The wrapper changes the application that it is given, which other tests use as it is. */
function ownCopy(): typeof express {
  const application = Object.defineProperties({}, Object.getOwnPropertyDescriptors(express.application));
  return { ...express, application } as unknown as typeof express;
}
