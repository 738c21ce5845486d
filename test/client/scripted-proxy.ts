// A proxy that applies one fault of a script to each request, also faults within a response.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.js';

/**
 * - `lose_request`: nothing of it reaches the server, and the connection is reset.
 * - `lose_answer`: the server answers, and the connection ends without a byte of it.
 * - `cut`: the connection ends after so many bytes of the answer, in its head or its body.
 * - `silence`: the server answers, and nothing comes through, so that the client has to give up.
 */
export type ScriptedFault =
  | { readonly kind: 'none' | 'lose_request' | 'lose_answer' | 'silence' }
  | { readonly kind: 'cut'; readonly bytes: number };

export interface ScriptedProxy {
  readonly port: number;
  /** How many requests have come. */
  requests(): number;
  close(): Promise<void>;
}

/** Requests beyond the script pass. With a certificate the client speaks TLS, and the faults apply to what is within it. */
export async function startScriptedProxy(
  targetPort: number,
  script: readonly ScriptedFault[],
  certificate?: Certificate,
): Promise<ScriptedProxy> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const onClient = (client: Socket | TLSSocket) => {
    const upstream = connect({ port: targetPort, host: '127.0.0.1' });
    let fault: ScriptedFault = { kind: 'none' };
    let passed = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket.on('error', () => end(true)));
      socket.on('close', () => sockets.delete(socket));
    }
    const end = (isReset: boolean) => {
      for (const socket of [client, upstream]) {
        if (isReset && !('encrypted' in socket)) socket.resetAndDestroy();
        else if (isReset) socket.destroy();
        else socket.end();
      }
    };
    client.on('data', (bytes) => {
      if (bytes.toString('latin1').startsWith('POST ')) {
        fault = script[requests] ?? { kind: 'none' };
        requests += 1;
        passed = 0;
      }
      if (fault.kind === 'lose_request') end(true);
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (fault.kind === 'silence') return;
      if (fault.kind === 'lose_answer') return end(false);
      if (fault.kind !== 'cut') return void client.write(bytes);
      const rest = bytes.subarray(0, Math.max(fault.bytes - passed, 0));
      passed += bytes.length;
      client.write(rest, () => passed >= (fault.kind === 'cut' ? fault.bytes : 0) && end(false));
    });
    client.on('end', () => upstream.end());
    upstream.on('end', () => fault.kind !== 'silence' && client.end());
  };
  const server = certificate === undefined ? createServer(onClient) : createTlsServer(certificate, onClient);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
