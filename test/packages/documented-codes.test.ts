// docs/errors.md and the sources name the same codes, warnings and events: nothing is missing, nothing is made up.
import { describe, expect, test } from 'vitest';
import { errorTable } from '../../packages/core/src/errors.js';
import { findingTable } from '../../packages/core/src/stores/redis/diagnostics/check/findings.js';
import { codesIn, documents, tableRows } from './markdown.js';
import {
  childNodes,
  isNode,
  membersWithin,
  nameOf,
  type ParsedSource,
  packageNames,
  readRepositoryFile,
  sourcesOf,
} from './source-trees.js';

const page = readRepositoryFile('docs/errors.md');
const sources = packageNames.flatMap(sourcesOf);
const codes = tableRows(page, 'code');
const warnings = tableRows(page, 'warning');
const events = tableRows(page, 'event');
const findings = tableRows(readRepositoryFile('docs/redis.md'), 'finding');

describe('Errors', () => {
  test('Every error code has an entry in docs/errors.md, and every entry is a code', () => {
    expect(names(codes)).toEqual(Object.keys(errorTable).sort());
  });

  test.each(Object.entries(errorTable))('%s is documented with its status and whether to retry', (code, entry) => {
    const row = codes.find(([name]) => name === `\`${code}\``);
    expect(row?.slice(1, 3)).toEqual([String(entry.status), entry.retryable ? 'yes' : 'no']);
  });

  test('Wherever a document names a code with a status, it is the status of that code', () => {
    const pairs = documents.flatMap((file) =>
      [...readRepositoryFile(file).matchAll(/\b([45]\d\d)\s+`([a-z]+_[a-z_]+)`/g)].map(
        ([, status, code]) => `${code} ${status}`,
      ),
    );
    expect(pairs.length).toBeGreaterThan(10);
    const right = Object.entries(errorTable).map(([code, { status }]) => `${code} ${status}`);
    expect(right).toEqual(expect.arrayContaining(pairs));
  });
});

describe('Warnings', () => {
  test('Every warning of the sources has an entry in docs/errors.md, and every entry is a warning', () => {
    expect(names(warnings)).toEqual(warningsIn(sources));
  });

  test('Every warning that docs/redis.md tells of is one', () => {
    const told = names(tableRows(readRepositoryFile('docs/redis.md'), 'warning'));
    expect(told.length).toBeGreaterThan(0);
    expect([...warningsIn(sources), ...Object.keys(findingTable)]).toEqual(expect.arrayContaining(told));
  });
});

describe('Findings', () => {
  test('Every finding of the table is found somewhere, and has an entry in docs/redis.md, and every entry is one', () => {
    const table = Object.keys(findingTable).sort();
    expect(names(findings)).toEqual(table);
    expect(findingsIn(sources)).toEqual(table);
  });

  test.each(Object.entries(findingTable))('%s is documented with its severity', (code, { severity }) => {
    expect(findings.find(([name]) => name === `\`${code}\``)?.[1]).toBe(severity);
  });
});

describe('Events', () => {
  const declared = eventsIn(sources);

  test('Every event has an entry in docs/errors.md, and every entry is an event', () => {
    expect(names(events)).toEqual(Object.keys(declared).sort());
  });

  test.each(Object.entries(declared))('%s is documented with its fields', (name, fields) => {
    const row = events.find(([event]) => event === `\`${name}\``);
    expect(codesIn(row?.[1])).toEqual(fields);
  });
});

test.each([...codes, ...warnings, ...findings])('%s has a cause and a remedy', (...cells) => {
  for (const cell of cells.slice(-2)) expect(cell).toMatch(/\w/);
});

function names(rows: readonly (readonly string[])[]): string[] {
  return rows.flatMap(([cell]) => codesIn(cell)).sort();
}

function warningsIn(all: readonly ParsedSource[]): string[] {
  const calls = all
    .flatMap(({ nodes }) => nodes)
    .filter((node) => node.type === 'CallExpression' && nameOf(node.callee) === 'warnOnce');
  const found = calls.map((call) => {
    const code = nameOf(childNodes(call.arguments)[0]);
    if (code === undefined) throw new Error('a warning whose code is not written out cannot be looked up');
    return code;
  });
  return [...new Set(found)].sort();
}

/** The codes of the table that are written out elsewhere. */
function findingsIn(all: readonly ParsedSource[]): string[] {
  const elsewhere = all.filter(({ file }) => !file.endsWith('/check/findings.ts')).flatMap(({ nodes }) => nodes);
  const found = elsewhere
    .filter(({ type }) => type === 'Literal')
    .map(nameOf)
    .filter((text) => text !== undefined)
    .filter((text) => Object.hasOwn(findingTable, text));
  return [...new Set(found)].sort();
}

/** What nearly every event is about. The page names these fields once for all. */
const subjects = ['EventSubject', 'UnnamedSubject'];

/** The members of the interface `Events`: an event and its own fields, in their order. */
function eventsIn(all: readonly ParsedSource[]): Record<string, string[]> {
  const nodes = all.flatMap((source) => source.nodes);
  const named = (name: string) =>
    nodes.find((node) => node.type === 'TSInterfaceDeclaration' && nameOf(node.id) === name)?.body;
  const body = named('Events');
  const members = isNode(body) ? childNodes(body.body) : [];
  const fieldsOf = (type: unknown): string[] => {
    if (!isNode(type)) return [];
    if (type.type === 'TSIntersectionType') return childNodes(type.types).flatMap(fieldsOf);
    const name = type.type === 'TSTypeReference' ? (nameOf(type.typeName) ?? '') : null;
    if (name !== null) return subjects.includes(name) ? [] : membersWithin(named(name));
    return membersWithin(type);
  };
  return Object.fromEntries(
    members.map(({ key, typeAnnotation }) => [
      nameOf(key) ?? '',
      isNode(typeAnnotation) ? fieldsOf(typeAnnotation.typeAnnotation) : [],
    ]),
  );
}
