// What a run makes once for all its tests, when the first of them asks for it: most runs of a few files need none of it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Offered {
  /** Where it is: a URL or a path. */
  readonly location: string;
  stop(): Promise<void>;
}

/**
 * Offers something to the tests of this run, under the name of a variable of the environment. Resolves with the function that stops
 * what was made; with nothing where the run offers it already.
 */
export async function offer(
  variable: string,
  make: () => Promise<Offered>,
): Promise<(() => Promise<void>) | undefined> {
  if (process.env[variable]) return undefined;
  let making: Promise<Offered> | null = null;
  const server = createServer((_request, response) => {
    making ??= make();
    making.then(
      ({ location }) => response.end(location),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env[variable] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async () => {
    server.close();
    if (making === null) return;
    const made = await making.catch(() => null);
    await made?.stop();
  };
}

/** Where the thing is that the run offers; it is made now if no test has asked for it. Throws outside a run. */
export async function locationOf(variable: string): Promise<string> {
  const url = process.env[variable];
  if (!url) throw new Error(`${variable} is not set: run the tests with \`npm test\` or \`npx vitest\`, which set it`);
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
