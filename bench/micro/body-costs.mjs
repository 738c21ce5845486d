// What the canonical form of a large JSON body costs, beside JSON.parse of the same text. Prints the results as JSON.
//
// A program of its own, which is bundled before it runs: the loader that translates TypeScript slows down the code that is measured here.
import { canonicalJson } from '../../packages/core/src/http/canonical-json.ts';

const megabyte = 1_000_000;
/** Not counted: the code is still being compiled. */
const warmUpRounds = 10;
const rounds = 25;

/** A megabyte of units, separated by commas. */
function filled(open, unit, close) {
  const count = Math.floor(megabyte / (unit(0).length + 1));
  return open + Array.from({ length: count }, (_, at) => unit(at)).join(',') + close;
}

function nested(open, close) {
  const depth = Math.floor(megabyte / (open.length + close.length));
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

/** Names of members that are in no order. */
function scattered(at) {
  return ((at * 2_654_435_761) % 2 ** 32).toString(36).padStart(7, '0');
}

const record = '{"id":12345,"name":"abc def","price":12.5,"tags":["a","b"],"ok":true}';
const reversed = '{"j":1,"i":1,"h":1,"g":1,"f":1,"e":1,"d":1,"c":1,"b":1,"a":1}';
const order = '{"lines":[{"sku":"x-1","qty":2,"note":null}],"customer":{"name":"Jane","id":7},"currency":"EUR"}';
const wide = `{${Array.from({ length: 20 }, (_, at) => `"${scattered(at)}":${at}`).join(',')}}`;
const indented = JSON.stringify(JSON.parse(record), null, 2);

const shapes = {
  'many members, in order': () => filled('{', (at) => `"member${String(at).padStart(6, '0')}":1`, '}'),
  'many members, in no order': () => filled('{', (at) => `"${scattered(at)}":1`, '}'),
  'one name, many times': () => filled('{', () => '"a":1', '}'),
  'arrays within arrays': () => nested('[', ']'),
  'objects within objects': () => nested('{"":', '}'),
  'empty arrays': () => filled('[', () => '[]', ']'),
  'empty objects': () => filled('[', () => '{}', ']'),
  'one long text': () => JSON.stringify('abcdefghij'.repeat(megabyte / 10)),
  'one long text, half of it escaped': () => JSON.stringify('a\n'.repeat(megabyte / 3)),
  'short texts': () => filled('[', () => '"abcdefg"', ']'),
  'whole numbers': () => filled('[', () => '1234567', ']'),
  'numbers with a fraction': () => filled('[', () => '0.1234567890123', ']'),
  'records of five members': () => filled('[', () => record, ']'),
  'records of ten members, in reverse order': () => filled('[', () => reversed, ']'),
  'records of twenty members, in no order': () => filled('[', () => wide, ']'),
  'records with records in them': () => filled('[', () => order, ']'),
  'records, indented': () => filled('[', () => indented, ']'),
};

/** Medians of rounds in which the two take turns. */
function costOf([shape, make]) {
  const text = make();
  const bytes = Buffer.from(text);
  const [parse, canonical] = [[], []];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const parseMs = timed(() => void JSON.parse(text));
    const canonicalMs = timed(() => void canonicalJson(bytes));
    if (round < 0) continue;
    parse.push(parseMs);
    canonical.push(canonicalMs);
  }
  return { node: process.versions.node, shape, parseMs: median(parse), canonicalMs: median(canonical) };
}

function timed(work) {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

function median(times) {
  times.sort((one, other) => one - other);
  return Number((times[times.length >> 1] ?? 0).toPrecision(3));
}

console.log(JSON.stringify(Object.entries(shapes).map(costOf)));
