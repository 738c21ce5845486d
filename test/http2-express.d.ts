// The wrapper has no types of its own.
declare module 'http2-express' {
  const wrap: (express: typeof import('express')) => import('express').Application;
  export = wrap;
}
