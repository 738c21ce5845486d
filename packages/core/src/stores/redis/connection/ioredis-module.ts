// Loads ioredis, an optional peer dependency, only when the store needs a client of its own.
import type { Cluster, Redis } from 'ioredis';
import { ConfigurationError } from '../../../errors.js';

export type IoredisClient = Redis | Cluster;

/** The classes of ioredis that the store's own clients need. */
export type IoredisClasses = Pick<
  typeof import('ioredis'),
  'Redis' | 'Cluster' | 'AbstractConnector' | 'SentinelConnector'
> & {
  /** Undefined where a test has replaced the package. */
  readonly Command: typeof import('ioredis').Command | undefined;
};

/** Rejects with a `ConfigurationError` if the package is not installed. */
export async function loadIoredis(): Promise<IoredisClasses> {
  return extractIoredisClasses(await importIoredis());
}

async function importIoredis(): Promise<object> {
  try {
    return await import('ioredis');
  } catch (cause) {
    const remedy = 'Install it (npm install ioredis), or pass a client to new RedisStore({ client }).';
    throw new ConfigurationError('option_invalid', `RedisStore.connect() needs the package ioredis. ${remedy}`, {
      cause,
    });
  }
}

/**
 * ioredis is a CommonJS package whose `module.exports` is the class `Redis`. Node provides its classes as named exports. A
 * bundler, or a test runner that replaces the module, may provide them on the default export alone.
 */
function extractIoredisClasses(imported: object): IoredisClasses {
  const exported = 'default' in imported ? Object(imported.default) : {};
  const classNamed = (name: string) => [imported, exported].flatMap((from) => (name in from ? [from[name]] : []))[0];
  return {
    Redis: classNamed('Redis') ?? exported,
    Cluster: classNamed('Cluster'),
    Command: classNamed('Command'),
    AbstractConnector: classNamed('AbstractConnector'),
    SentinelConnector: classNamed('SentinelConnector'),
  };
}
