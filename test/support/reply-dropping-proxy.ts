// A way to Redis that loses replies: the command arrives and is executed, and then the connection breaks.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ReplyDroppingProxy {
  readonly url: string;
  /** The reply to the next bytes that match is lost. Resolves when it was. */
  dropNextReply(to: RegExp): Promise<void>;
  close(): Promise<void>;
}

interface Trap {
  readonly to: RegExp;
  sprung: boolean;
  done(): void;
}

/** Listens on a free port of the loopback and passes everything on to `target`, a `redis://` address. */
export async function startReplyDroppingProxy(target: string): Promise<ReplyDroppingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let trap: Trap | null = null;

  const server = createServer((client) => {
    const redis = connect(Number(port), hostname);
    let loses: Trap | null = null;
    client.on('data', (bytes) => {
      if (trap !== null && !trap.sprung && trap.to.test(bytes.toString('latin1'))) {
        trap.sprung = true;
        loses = trap;
      }
      redis.write(bytes);
    });
    redis.on('data', (bytes) => {
      if (loses === null) return void client.write(bytes);
      loses.done();
      client.destroy();
    });
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async dropNextReply(to) {
      await new Promise<void>((done) => {
        trap = { to, sprung: false, done };
      });
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
