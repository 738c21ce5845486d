// Express' requests and responses keep all their properties although the middleware makes access to them faster.
import { expect, test } from 'vitest';
import { asTable } from '../../packages/express/src/as-table.js';

test('a message has the same properties, with the same values, and they can be changed as before', () => {
  const before = { url: '/payments', method: 'POST', headers: { host: 'a' } };
  const message = Object.setPrototypeOf({ ...before }, { route: '/payments' });
  asTable(message, 'method');
  expect(message).toEqual(before);
  expect(Object.getOwnPropertyDescriptor(message, 'method')).toEqual({
    value: 'POST',
    writable: true,
    enumerable: true,
    configurable: true,
  });
  expect(message.route).toBe('/payments');
});
