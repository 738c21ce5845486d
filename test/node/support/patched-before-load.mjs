// Responds to one request under patches that were made before anything was loaded. Prints on how many responses they were called.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { captureResponse } from '@onceguard/core/node';

const responses = new Set();
let ends = 0;
globalThis.patchSaw = (name, on) => {
  responses.add(on);
  if (name === 'end') ends += 1;
};
const server = createServer((req, res) => {
  const capture = captureResponse(req, res, { maxOutcomeBytes: 4 });
  res.writeHead(201, { 'X-Made': 'here' });
  res.write('first ');
  res.end('second');
  void capture.ended.then(() => capture.send());
}).listen(0, '127.0.0.1');
await once(server, 'listening');
await (await fetch(`http://127.0.0.1:${server.address().port}`, { method: 'POST' })).text();
server.closeAllConnections();
server.close();
console.log(JSON.stringify({ responses: responses.size, ends }));
