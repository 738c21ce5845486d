// A cluster that uses TLS, with certificates that name its host and no address, as those of managed services do.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedis } from '@onceguard/testing';
import { vi } from 'vitest';
import { type ReservedPort, reservePort } from '../../packages/testing/src/servers/reserved-port.js';

export interface TlsCluster {
  /** The address of its first node, by the name in its certificate. */
  readonly address: { readonly host: string; readonly port: number };
  readonly nodes: readonly RedisServer[];
  /** The file with the certificate of its authority. */
  readonly caPath: string;
  readonly ca: Buffer;
  stop(): Promise<void>;
}

const host = 'localhost';

/** Three masters, each with a third of the slots. */
export async function startTlsCluster(): Promise<TlsCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-tls-'));
  makeCertificates(folder);
  const nodes: RedisServer[] = [];
  const tlsPorts: ReservedPort[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    for (const reserved of tlsPorts) reserved.release();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (let at = 0; at < 3; at += 1) {
      const reserved = await reservePort();
      tlsPorts.push(reserved);
      nodes.push(await startNode(folder, reserved.port));
    }
    const ports = tlsPorts.map(({ port }) => port);
    await joinNodes(nodes, ports);
    const caPath = join(folder, 'ca.crt');
    return { address: { host, port: ports[0] ?? 0 }, nodes, caPath, ca: readFileSync(caPath), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The test sends commands to its plain port; clients of the cluster use the TLS port. */
async function startNode(folder: string, tlsPort: number): Promise<RedisServer> {
  const files = { 'cert-file': 'server.crt', 'key-file': 'server.key', 'ca-cert-file': 'ca.crt' };
  const fileArgs = Object.entries(files).flatMap(([name, file]) => [`--tls-${name}`, join(folder, file)]);
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-announce-hostname', host];
  const named = ['--cluster-preferred-endpoint-type', 'hostname'];
  const tls = ['--tls-port', String(tlsPort), '--tls-cluster', 'yes', '--tls-auth-clients', 'no', ...fileArgs];
  return await startRedis({ args: [...cluster, ...named, ...tls] });
}

async function joinNodes(nodes: readonly RedisServer[], tlsPorts: readonly number[]): Promise<void> {
  const slots = [0, 5_461, 10_923, 16_384];
  for (const [at, node] of nodes.entries()) {
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
    await node.command('CLUSTER', 'ADDSLOTSRANGE', slots[at] ?? 0, (slots[at + 1] ?? 0) - 1);
  }
  for (const node of nodes) {
    for (const port of tlsPorts) await node.command('CLUSTER', 'MEET', '127.0.0.1', port);
  }
  const isWhole = (info: unknown) => /cluster_state:ok.*cluster_known_nodes:3/s.test(String(info));
  await vi.waitUntil(
    async () => (await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))).every(isWhole),
    { timeout: 60_000, interval: 50 },
  );
}

function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  writeFileSync(join(folder, 'names'), `subjectAltName=DNS:${host}`);
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=test', '-keyout', 'ca.key', '-out', 'ca.crt');
  openssl('req', ...key, '-subj', `/CN=${host}`, '-keyout', 'server.key', '-out', 'server.csr');
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.crt');
}
