// A process on whose PATH nothing is: it starts a server, and prints why that fails.
import { startRedis } from '@onceguard/testing';

process.env.PATH = '/nowhere';
await startRedis().catch(({ message }) => console.log(message));
