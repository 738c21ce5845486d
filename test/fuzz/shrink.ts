// Shrinks an input that fails as long as it still fails.

/** Stops after so many tries: a small input suffices, it need not be minimal. */
const maxTries = 2_000;

export async function shrink(input: Buffer, fails: (candidate: Buffer) => Promise<boolean>): Promise<Buffer> {
  let smallest = input;
  let tries = 0;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length && tries < maxTries; ) {
      tries += 1;
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (await fails(candidate)) smallest = candidate;
      else at += size;
    }
  }
  return smallest;
}
