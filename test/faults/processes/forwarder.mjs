// forwarder.mjs <port> <socket>: forwards connections to a Unix socket, until its standard input ends.
import { connect, createServer } from 'node:net';

const [port, socketPath] = process.argv.slice(2);
const server = createServer((near) => {
  const far = connect(socketPath);
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
});
server.listen(Number(port), () => console.log('listening'));
process.stdin.resume().on('end', () => process.exit());
