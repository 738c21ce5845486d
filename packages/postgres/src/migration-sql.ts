// The schema as text, for the migration tool of an application.
import { parseOptions } from '@onceguard/core/sql';
import { schemaOptionsSchema } from './postgres-store-options.js';
import { migrationStatements, type SchemaOptions, tableNames } from './schema.js';

/**
 * The SQL that creates the tables of version 1: one or more statements, for a migration of your own tool. It may run twice. The schema
 * of PostgreSQL has to exist. Throws a `ConfigurationError` for invalid options.
 *
 * @example
 * writeFileSync('migrations/0042-onceguard.sql', migrationSql({ schema: 'payments' }));
 */
export function migrationSql(options: SchemaOptions = {}): string {
  const { schema, prefix } = parseOptions('migrationSql()', schemaOptionsSchema, options);
  return `${migrationStatements(tableNames(schema, prefix)).join(';\n\n')};\n`;
}
