// One PostgreSQL for the whole run, started when the first test asks for it.
import { locationOf, offer } from './offer.js';
import { startPostgres } from './postgres-server.js';

const variable = 'POSTGRES_OFFER';

/** Listens for tests that need the server. Resolves with the function that stops what was started. */
export async function offerPostgres(): Promise<(() => Promise<void>) | undefined> {
  return await offer(variable, async () => {
    const server = await startPostgres();
    return { location: server.url, stop: async () => await server.stop() };
  });
}

/** Where the PostgreSQL of this run listens: the one in `POSTGRES_URL`, or one that is started now. */
export async function postgresUrl(): Promise<string> {
  return process.env.POSTGRES_URL || (await locationOf(variable));
}
