// The numbers and words of a JSON text.

const plus = 0x2b;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;

/** Where `true`, `false` or `null` ends, if one begins here; else -1. */
export function wordEnd(source: Buffer, at: number): number {
  switch (source[at]) {
    case 0x74:
      return hasThree(source, at + 1, 0x72, 0x75, 0x65) ? at + 4 : -1;
    case 0x66:
      return hasThree(source, at + 1, 0x61, 0x6c, 0x73) && source[at + 4] === 0x65 ? at + 5 : -1;
    case 0x6e:
      return hasThree(source, at + 1, 0x75, 0x6c, 0x6c) ? at + 4 : -1;
    default:
      return -1;
  }
}

function hasThree(source: Buffer, at: number, first: number, second: number, third: number): boolean {
  return source[at] === first && source[at + 1] === second && source[at + 2] === third;
}

/** Where the number that begins here ends, or -1 if it is none. It keeps its source text: `1.0` is not `1`. */
export function numberEnd(source: Buffer, from: number): number {
  const at = source[from] === minus ? from + 1 : from;
  let end = digitsEnd(source, at);
  if (end === at || (end > at + 1 && source[at] === zero)) return -1;
  if (end < source.length && source[end] === point) {
    const fraction = end + 1;
    end = digitsEnd(source, fraction);
    if (end === fraction) return -1;
  }
  // Either letter of an exponent, made lower case.
  if (end < source.length && ((source[end] ?? 0) | 0x20) === 0x65) {
    const sign = source[end + 1];
    const exponent = end + (sign === plus || sign === minus ? 2 : 1);
    end = digitsEnd(source, exponent);
    if (end === exponent) return -1;
  }
  return end;
}

function digitsEnd(source: Buffer, from: number): number {
  const { length } = source;
  let at = from;
  for (; at < length; at += 1) {
    const byte = source[at] ?? 0;
    if (byte < zero || byte > nine) break;
  }
  return at;
}
