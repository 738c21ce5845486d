// A network on which packets are really lost: its own network namespace, with neighbours that cannot be resolved.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface LossyNetwork {
  readonly url: string;
  /** From now on every packet is lost, in both directions. */
  dropPackets(): void;
  /** New packets arrive, and those that TCP retransmits. */
  deliverPackets(): void;
  close(): Promise<void>;
}

const forwarder = fileURLToPath(new URL('processes/forwarder.mjs', import.meta.url));
const port = 6379;
/** An address that no network card has. */
const unreachableMac = '02:00:00:00:00:01';

/** Leads to the server that listens on this Unix socket. Fails where a process may not make namespaces. */
export async function startLossyNetwork(socketPath: string): Promise<LossyNetwork> {
  const far = spawn('unshare', ['--net', process.execPath, forwarder, String(port), socketPath], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(far, 'close');
  // Its exit removes the namespace and the virtual cable.
  const close = async () => {
    far.stdin.end();
    await exited;
  };
  await Promise.race([
    once(far.stdout, 'data'),
    exited.then(([code]) => Promise.reject(new Error(`unshare: ${code}`))),
  ]);
  try {
    return { ...createVethPair(far), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A pair of interfaces between this side and the far one, in the range that RFC 2544 reserves for tests. */
function createVethPair({ pid }: ChildProcess): Omit<LossyNetwork, 'close'> {
  const net = `198.18.${randomInt(256)}`;
  const [nearIp, farIp] = [`${net}.1`, `${net}.2`];
  const near = `once${randomInt(1e9)}`;
  const here = (...args: string[]) => execFileSync('ip', args);
  const there = (...args: string[]) => execFileSync('nsenter', ['--net', '--target', String(pid), 'ip', ...args]);
  here('link', 'add', near, 'type', 'veth', 'peer', 'name', 'far', 'netns', String(pid));
  here('address', 'add', `${nearIp}/30`, 'dev', near);
  here('link', 'set', near, 'up');
  there('address', 'add', `${farIp}/30`, 'dev', 'far');
  there('link', 'set', 'far', 'up');
  return {
    url: `redis://${farIp}:${port}`,
    dropPackets() {
      here('neighbour', 'replace', farIp, 'lladdr', unreachableMac, 'dev', near, 'nud', 'permanent');
      there('neighbour', 'replace', nearIp, 'lladdr', unreachableMac, 'dev', 'far', 'nud', 'permanent');
    },
    deliverPackets() {
      here('neighbour', 'delete', farIp, 'dev', near);
      there('neighbour', 'delete', nearIp, 'dev', 'far');
    },
  };
}
