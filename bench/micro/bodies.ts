// What the canonical form of a large JSON body costs, beside JSON.parse of the same text.
// The built file, as users run it: the loader's translation of the source takes twice as long.
import { canonicalJson } from '../../packages/core/dist/esm/http/canonical-json.js';
import type { BodyCost } from '../report/results.js';

const megabyte = 1_000_000;
const rounds = 25;

/** So many units, separated by commas, as are a megabyte. */
function filled(open: string, unit: (at: number) => string, close: string): string {
  const count = Math.floor(megabyte / (unit(0).length + 1));
  return open + Array.from({ length: count }, (_, at) => unit(at)).join(',') + close;
}

function nested(open: string, close: string): string {
  const depth = Math.floor(megabyte / (open.length + close.length));
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
}

/** A name that tells nothing of its place: the members are not in order. */
function scattered(at: number): string {
  return ((at * 2_654_435_761) % 2 ** 32).toString(36).padStart(7, '0');
}

const record = '{"id":12345,"name":"abc def","price":12.5,"tags":["a","b"],"ok":true}';

const shapes: Readonly<Record<string, () => string>> = {
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
};

/** Medians of rounds in which the two take turns. */
export function bodyCosts(): BodyCost[] {
  return Object.entries(shapes).map(([shape, make]) => {
    const text = make();
    const bytes = Buffer.from(text);
    const [parse, canonical]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      parse.push(timed(() => void JSON.parse(text)));
      canonical.push(timed(() => void canonicalJson(bytes)));
    }
    return { shape, parseMs: median(parse), canonicalMs: median(canonical) };
  });
}

function timed(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

function median(times: number[]): number {
  times.sort((one, other) => one - other);
  return Number((times[times.length >> 1] ?? 0).toPrecision(3));
}
