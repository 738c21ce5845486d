// A value for each object of others.
import { HiddenProperty } from '@onceguard/core/http';
import { describe, expect, test } from 'vitest';
import { collectGarbage, collectYoungGarbage } from '../../packages/testing/src/adapter-suite/support/live-memory.js';

describe('A hidden property', () => {
  test('holds a value for an object, and is in none of its copies and prints', () => {
    const property = new HiddenProperty<{ attempt: number }>(Symbol('context'));
    const request = { path: '/payments' };
    property.set(request, { attempt: 1 });
    property.set(request, { attempt: 2 });
    expect(property.get(request)).toEqual({ attempt: 2 });
    expect(property.get({ ...request })).toBeUndefined();
    expect(JSON.stringify(request)).toBe('{"path":"/payments"}');
    expect(request).toEqual({ path: '/payments' });
  });

  test('of an object is not that of objects made from it', () => {
    const property = new HiddenProperty(Symbol('context'));
    const request = {};
    property.set(request, {});
    expect(property.get(Object.create(request))).toBeUndefined();
  });

  test.each<[string, (request: object) => object]>([
    ['frozen', Object.freeze],
    ['a proxy that refuses it', (request) => new Proxy(request, { defineProperty: () => false })],
    ['a proxy that drops it', (request) => new Proxy(request, { defineProperty: () => true })],
    ['a proxy that passes it on', (request) => new Proxy(request, {})],
  ])('also works on an object that is %s', (_title, make) => {
    const property = new HiddenProperty(Symbol('context'));
    const [request, value] = [make({}), {}];
    property.set(request, value);
    expect(property.get(request)).toBe(value);
  });

  test('with a registered symbol is shared by all copies of the package', () => {
    const [ours, theirs] = [0, 1].map(() => new HiddenProperty(Symbol.for('onceguard.test-value/1')));
    const [request, value] = [{}, {}];
    ours?.set(request, value);
    expect(theirs?.get(request)).toBe(value);
  });

  test('leaves its object and a value that refers to it to a minor collection', () => {
    const property = new HiddenProperty<{ request: object }>(Symbol('context'));
    const makeGarbage = (): void => {
      for (let index = 0; index < 1_000; index += 1) {
        const request = { body: new Array(1_000).fill(index) };
        property.set(request, { request });
      }
    };
    makeGarbage();
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    makeGarbage();
    // What survives two of them is moved to the old generation, and stays until a major collection.
    for (let collection = 0; collection < 3; collection += 1) collectYoungGarbage();
    // Kept, it would be 8 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
  });
});
