// Installs a Redis server on a machine that has none.
import { installPackage } from './install-package.js';

/** Installs the distribution's redis-server without starting its service; throws where it cannot. */
export function installRedis(): void {
  installPackage(
    'redis-server',
    'The tests need a Redis. Install redis-server or valkey-server (6.2 or newer) so that it is on the PATH, ' +
      'or set REDIS_URL to a server whose data may be overwritten.',
  );
}
