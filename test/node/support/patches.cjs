// Patches of Node's prototypes, as tracing tools make them. Each call is reported to `globalThis.patchSaw`.
const { ServerResponse } = require('node:http');

const names = ['writeHead', 'flushHeaders', 'write', 'addTrailers', 'end', 'setHeader'];

for (const name of names) {
  const original = ServerResponse.prototype[name];
  ServerResponse.prototype[name] = function patched(...args) {
    globalThis.patchSaw?.(name, this, args);
    return original.apply(this, args);
  };
}
