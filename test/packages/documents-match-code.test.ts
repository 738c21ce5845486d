// Exports, options and documents agree, in both directions: nothing is undocumented, nothing documented is made up.
import { describe, expect, test } from 'vitest';
import { checkOptions } from '../../packages/client/src/options.js';
import { workFields } from '../../packages/core/src/functions/function-options.js';
import { checkHttpOptions } from '../../packages/core/src/http/check-http-options.js';
import { compareAndSwapSchema } from '../../packages/core/src/stores/compare-and-swap/compare-and-swap-options.js';
import { localCacheSchema } from '../../packages/core/src/stores/local-cache/local-cache-options.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { memoryStoreSchema } from '../../packages/core/src/stores/memory/memory-store-options.js';
import {
  callTimeoutSchema,
  prefixSchema,
  redisStoreNameField,
} from '../../packages/core/src/stores/redis/connection/redis-store-options.js';
import { chapters, codesIn, documents, fencedBlocks, sections, tableRows } from './markdown.js';
import {
  childNodes,
  exportsOf,
  filesUnder,
  importsOf,
  membersOf,
  nameOf,
  packageNames,
  parse,
  readRepositoryFile,
  sourceOfCompiled,
  sourcesOf,
} from './source-trees.js';

/** Every entry point by the name that users write, as its source says what it exports. */
const entryPoints: ReadonlyMap<string, string> = new Map(
  packageNames.flatMap((name) => {
    const { exports } = JSON.parse(readRepositoryFile(`packages/${name}/package.json`));
    return Object.keys(exports)
      .filter((path) => path !== './package.json')
      .map(
        (path) => [`@onceguard/${name}${path.slice(1)}`, sourceOfCompiled(name, exports[path].import.default)] as const,
      );
  }),
);

describe('Exports', () => {
  test.each([...entryPoints])('docs/api.md lists exactly what %s exports', (entry, source) => {
    const listed = tableRows(
      chapters('docs/api.md', (title) => codesIn(title).includes(entry)),
      'name',
    ).flatMap(([cell]) => codesIn(cell));
    expect(listed.sort()).toEqual(exportsOf(source));
  });

  const pages = documents.flatMap((file) =>
    fencedBlocks(file, 'ts').map((code, at) => [`${file}, block ${at + 1}`, code]),
  );
  const examples = filesUnder('examples').filter((file) => file.endsWith('.ts'));
  const written = [...pages, ...examples.map((file) => [file, readRepositoryFile(file)])];

  test.each(written.filter(([, code]) => code?.includes('@onceguard/')))(
    '%s imports what exists',
    (_where, code = '') => {
      for (const node of parse('block.ts', code).nodes.filter(({ type }) => type === 'ImportDeclaration')) {
        const [module = ''] = importsOf({ file: '', nodes: [node] });
        if (!module.startsWith('@onceguard/')) continue;
        const source = entryPoints.get(module);
        expect(source, `${module} is an entry point`).toBeDefined();
        const names = childNodes(node.specifiers).map(({ imported }) => nameOf(imported));
        expect(exportsOf(source ?? '')).toEqual(expect.arrayContaining(names));
      }
    },
  );
});

/** Tables of options in docs/options.md: the heading, the interface that they describe, and the one whose options another table has. */
const optionTables = [
  ['Requests', 'HttpOptions', ''],
  ['Functions', 'ExecuteOptions', 'PolicyOptions'],
  ['Functions', 'IdempotentOptions', 'PolicyOptions'],
  ['MemoryStore', 'MemoryStoreOptions', ''],
  ['CompareAndSwapStore', 'CompareAndSwapStoreOptions', ''],
  ['localCache', 'LocalCacheOptions', ''],
  ['PostgresStore', 'PostgresStoreOptions', ''],
  ['PostgresStore.connect', 'PostgresConnectOptions', 'PostgresStoreOptions'],
  ['RedisStore', 'RedisStoreOptions', ''],
  ['RedisStore.connect', 'ConnectOptions', ''],
  ['idempotentFetch', 'IdempotentFetchOptions', ''],
] as const;

/** Tables of options, and what the code takes where an option is left out. */
const defaultTables = [
  ['Requests', { ...checkHttpOptions({ store: new MemoryStore(), scope: 'public' }) }],
  [
    'Functions',
    {
      maxOutcomeBytes: workFields.maxOutcomeBytes.parse(undefined),
      recordCause: workFields.recordCause.parse(undefined),
    },
  ],
  ['MemoryStore', memoryStoreSchema.omit({ clock: true }).parse({})],
  ['CompareAndSwapStore', compareAndSwapSchema.omit({ table: true }).parse({})],
  ['localCache', localCacheSchema.parse({})],
  [
    'RedisStore',
    {
      prefix: prefixSchema.parse(undefined),
      callTimeoutMs: callTimeoutSchema.parse(undefined),
      storeName: redisStoreNameField.parse(undefined),
    },
  ],
  ['idempotentFetch', checkOptions({})],
] as const;

describe('Options', () => {
  const core = [...sourcesOf('core'), ...sourcesOf('postgres'), ...sourcesOf('client')];

  test.each(optionTables)('docs/options.md, %s: the table has exactly the options of %s', (title, name, elsewhere) => {
    const others = membersOf(core, elsewhere);
    const options = membersOf(core, name).filter((option) => !others.includes(option));
    expect(options.length).toBeGreaterThan(0);
    expect(
      optionRows(title)
        .flatMap(([cell]) => codesIn(cell))
        .sort(),
    ).toEqual(options.sort());
  });

  test.each(defaultTables)('docs/options.md, %s: the defaults are those of the code', (title, defaults: object) => {
    const documented = optionRows(title).flatMap(([option, cell]) => {
      const value = defaultIn(cell ?? '', defaults);
      return value === undefined ? [] : [[codesIn(option)[0], value]];
    });
    expect(documented.length).toBeGreaterThan(0);
    expect(defaults).toMatchObject(Object.fromEntries(documented));
  });
});

function optionRows(title: string): string[][] {
  return tableRows(
    sections('docs/options.md', (heading) => heading === title),
    'option',
  );
}

/** A default as it is written: a number, days, a literal, or the name of the option that it follows. */
function defaultIn(cell: string, defaults: object): unknown {
  const [, days] = /^(\d+) days$/.exec(cell) ?? [];
  if (days !== undefined) return Number(days) * 86_400_000;
  if (/^[\d ]+$/.test(cell)) return Number(cell.replaceAll(' ', ''));
  const [code = ''] = codesIn(cell);
  if (/^(true|false|'.*'|\[.*\])$/.test(code)) return JSON.parse(code.replaceAll("'", '"'));
  return code in defaults ? Reflect.get(defaults, code) : undefined;
}
