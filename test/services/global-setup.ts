// Provides one RabbitMQ for all tests of the services: the one in RABBITMQ_URL, or one started here.
import { installPackage } from '../support/install-package.js';
import { findRabbitmq, startRabbitmq } from './rabbitmq-server.js';

export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.RABBITMQ_URL) return undefined;
  if (!findRabbitmq()) {
    installPackage(
      'rabbitmq-server',
      'The tests of the services need a RabbitMQ. Install rabbitmq-server (3.10 or newer) so that it is on the PATH, ' +
        'or set RABBITMQ_URL to a server where queues may be made and deleted.',
    );
  }
  const server = await startRabbitmq();
  process.env.RABBITMQ_URL = server.url;
  return async () => await server.stop();
}
