// Properties of a request or response that are overridden while it is captured, and restored whatever was done to them meanwhile.
import { expect, test } from 'vitest';
import { PropertyOverrides } from '../../packages/core/src/node/intercept/property-overrides.js';

const plain = (value: string) => ({ value, writable: true, enumerable: true, configurable: true });

/** What the object has of its own before it is captured. */
const own = {
  'an ordinary property': plain('own'),
  'a read-only property': { ...plain('own'), writable: false },
  'a hidden property': { ...plain('own'), enumerable: false },
  'an accessor': { get: () => 'own', set: () => {}, enumerable: true, configurable: true },
};

/** What the application does to the overridden property. */
const meanwhile: Record<string, (target: object) => void> = {
  nothing: () => {},
  'assigns to it': (target) => void Reflect.set(target, 'end', 'other'),
  'makes it read-only': (target) => void Object.defineProperty(target, 'end', { value: 'other', writable: false }),
  'puts an accessor in its place': (target) =>
    void Object.defineProperty(target, 'end', { get: () => 'other', set: () => {}, configurable: true }),
  'deletes it': (target) => void Reflect.deleteProperty(target, 'end'),
};

for (const [before, descriptor] of Object.entries(own)) {
  test.each(Object.entries(meanwhile))(`${before} is as it was, where the application does this: %s`, (_, change) => {
    const target = Object.create({ end: 'inherited' });
    Object.defineProperty(target, 'end', descriptor);
    const overrides = new PropertyOverrides(target);
    overrides.override('end', 'overridden');
    expect(target.end).toBe('overridden');
    change(target);
    overrides.restoreAll();
    expect(Object.getOwnPropertyDescriptor(target, 'end')).toEqual(descriptor);
  });
}

test('An inherited property has its value again, and one of the name of an accessor is gone', () => {
  const target = Object.create({ end: 'inherited', writableEnded: false });
  const overrides = new PropertyOverrides(target);
  overrides.override('end', 'overridden');
  overrides.overrideAccessor('writableEnded', true);
  expect([target.end, target.writableEnded]).toEqual(['overridden', true]);
  overrides.restoreAll();
  expect([target.end, Object.keys(target)]).toEqual(['inherited', ['end']]);
});
