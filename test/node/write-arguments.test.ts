// The arguments of `write` and `end`, in every form that Node accepts.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { chunkToBuffer, splitWriteArguments } from '../../packages/core/src/node/intercept/write-arguments.js';

const callback = (): void => {};

describe('splitWriteArguments', () => {
  it.each([
    ['nothing', [], [undefined, undefined, undefined]],
    ['a chunk', ['x'], ['x', undefined, undefined]],
    ['a chunk and an encoding', ['78', 'hex'], ['78', 'hex', undefined]],
    ['all three', ['78', 'hex', callback], ['78', 'hex', callback]],
    ['a chunk and a callback', ['x', callback], ['x', undefined, callback]],
    ['a callback alone', [callback], [undefined, undefined, callback]],
  ])('splits %s', (_, args, [chunk, encoding, split]) => {
    expect(splitWriteArguments(args)).toEqual({ chunk, encoding, callback: split });
  });
});

describe('chunkToBuffer', () => {
  it.each([
    ['a text', 'é', undefined, 'é'],
    ['a text without an encoding', 'é', null, 'é'],
    ['a text in an encoding', 'c3a9', 'hex', 'é'],
    ['a part of a larger memory', Buffer.from('xéx').subarray(1, 3), undefined, 'é'],
    ['bytes of another realm, as jsdom has', runInNewContext('new Uint8Array([0xc3, 0xa9])'), undefined, 'é'],
  ])('has the bytes of %s', (_, chunk, encoding, text) => {
    expect(chunkToBuffer(chunk, encoding)?.toString()).toBe(text);
  });

  it.each([
    ['a text in an unknown encoding', 'x', 'klingon'],
    ['a text in an encoding that is not a string', 'x', 7],
    ['a number', 7, undefined],
    ['null', null, undefined],
  ])('leaves %s to Node', (_, chunk, encoding) => {
    expect(chunkToBuffer(chunk, encoding)).toBeUndefined();
  });
});
