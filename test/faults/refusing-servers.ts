// Servers that work, then refuse all clients, each in its own way, and are repaired.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { startFaultProxy, startRedis } from '@onceguard/testing';
import { Redis } from 'ioredis';

export interface RefusingServer {
  readonly url: string;
  /** Ends all connections, and refuses new ones. */
  refuse(): Promise<void>;
  repair(): Promise<void>;
  stop(): Promise<void>;
}

export interface RefusalKind {
  readonly how: string;
  /** The server's error message. */
  readonly message: RegExp;
  start(): Promise<RefusingServer>;
}

type Command = [name: string, ...args: (string | number)[]];

/** Protected mode refuses clients from other hosts; a machine without a network has no external address. */
const externalAddress = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const protectedMode: RefusalKind[] =
  externalAddress === undefined
    ? []
    : [
        {
          how: 'in protected mode',
          message: /\bDENIED\b/,
          start: async () => {
            const args = ['--bind', '127.0.0.1', externalAddress, '--protected-mode', 'no'];
            const refuse: Command[] = [['CONFIG', 'SET', 'protected-mode', 'yes']];
            const repair: Command[] = [['CONFIG', 'SET', 'protected-mode', 'no']];
            return await startRefusingByCommands({ args, host: externalAddress, refuse, repair });
          },
        },
      ];

export const refusalKinds: readonly RefusalKind[] = [
  // Takes longest.
  { how: 'while it loads its data', message: /\bLOADING\b/, start: startLoadingSlowly },
  ...protectedMode,
  { how: 'by one word, and closes', message: /\bDENIED\b/, start: startBehindRefusingProxy },
  {
    how: 'for lack of a password',
    message: /\bNOAUTH\b/,
    start: async () => {
      const refuse: Command[] = [['CONFIG', 'SET', 'requirepass', 'right']];
      return await startRefusingByCommands({ refuse, repair: [['CONFIG', 'SET', 'requirepass', '']] });
    },
  },
  {
    how: 'for the wrong password',
    message: /\bWRONGPASS\b/,
    start: async () => {
      const refuse: Command[] = [['CONFIG', 'SET', 'requirepass', 'another']];
      const repair: Command[] = [['CONFIG', 'SET', 'requirepass', 'right']];
      return await startRefusingByCommands({ args: ['--requirepass', 'right'], password: 'right', refuse, repair });
    },
  },
  {
    how: 'for having too many clients',
    message: /max number of clients/,
    start: async () => {
      const refuse: Command[] = [['CONFIG', 'SET', 'maxclients', 1]];
      return await startRefusingByCommands({ refuse, repair: [['CONFIG', 'SET', 'maxclients', 100]] });
    },
  },
];

interface RefusalCommands {
  readonly args?: readonly string[];
  /** The host name or address that the clients use. */
  readonly host?: string;
  readonly password?: string;
  readonly refuse: readonly Command[];
  readonly repair: readonly Command[];
}

/** A server that refuses and is repaired by commands of an administrator whom it never refuses. */
async function startRefusingByCommands(governed: RefusalCommands): Promise<RefusingServer> {
  const { args = [], host = '127.0.0.1', password, refuse, repair } = governed;
  const server = await startRedis({ args: [...args, '--user', 'admin', 'on', 'nopass', '~*', '&*', '+@all'] });
  const admin = new Redis(server.url, { username: 'admin', password: 'any' });
  const run = async (commands: readonly Command[]) => {
    for (const [name, ...words] of commands) await admin.call(name, ...words);
  };
  await run([['PING']]);
  return {
    url: `redis://${password === undefined ? '' : `:${password}@`}${host}:${server.port}`,
    refuse: async () => await run([...refuse, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']]),
    repair: async () => await run(repair),
    stop: async () => {
      admin.disconnect();
      await server.stop();
    },
  };
}

/** A proxy at the server's address sends its message first, as a Redis in protected mode does, and closes. */
async function startBehindRefusingProxy(): Promise<RefusingServer> {
  const server = await startRedis();
  const proxy = await startFaultProxy(server.url);
  const refuser = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('-DENIED Redis is running in protected mode\r\n');
  }).listen(0, '127.0.0.1');
  await once(refuser, 'listening');
  const address = refuser.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: proxy.url,
    refuse: async () => proxy.retarget(`redis://127.0.0.1:${port}`),
    repair: async () => proxy.retarget(server.url),
    stop: async () => {
      await proxy.close();
      refuser.close();
      await server.stop();
    },
  };
}

/** A crash with so much data on disk that loading it takes eight seconds, or as long as the test wants. */
async function startLoadingSlowly(): Promise<RefusingServer> {
  const server = await startRedis();
  await server.command('EVAL', "for i = 1, 4000 do redis.call('SET', i, i) end", 0);
  await server.command('SAVE');
  const slowly = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];
  return {
    url: server.url,
    refuse: async () => await server.restart({ args: slowly }),
    repair: async () => void (await server.command('CONFIG', 'SET', 'key-load-delay', 0)),
    stop: async () => await server.stop(),
  };
}
