// Requirement 5: other 4xx responses are recorded, however they are given, unless `isFinal` decides otherwise.

import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import type { Options } from '../framework.js';
import { endAndRetry, expectReplayed } from '../support/end-and-retry.js';
import { httpError } from '../support/http-error.js';

const responses = [400, 402, 404, 405, 406, 409, 410, 411, 412, 413, 415, 418, 422, 424, 426, 428, 431, 451];
const redirects = [301, 302, 303, 307, 308];

export function recordedStatusesTests(suite: AdapterTests): void {
  suite.group('Replayed is', (testbed) => {
    it.each([...responses, ...redirects])('%d from a route', async (status) => {
      await expectReplayed(testbed, status, () => ({
        status,
        headers: { 'X-Reason': 'declined' },
        body: { declined: true },
      }));
    });

    it.each([400, 402, 404, 409, 422])('a thrown %d', async (status) => {
      await expectReplayed(testbed, status, () => {
        throw httpError(status, 'The card was declined.', { 'X-Reason': 'declined' });
      });
    });

    it.each([402, 404])('a %d of a rejected promise', async (status) => {
      await expectReplayed(testbed, status, async () => await Promise.reject(httpError(status)));
    });

    it('a 5xx that isFinal accepts', async () => {
      await expectReplayed(testbed, 503, () => ({ status: 503, body: 'For good.' }), { isFinal: () => true });
    });

    it('a response that isFinal accepts by headers and body', async () => {
      const isFinal: Options['isFinal'] = ({ status, headers, body }) => {
        const done = headers.some(([name, value]) => name.toLowerCase() === 'x-done' && value === 'yes');
        return status === 500 && done && Buffer.from(body ?? []).toString() === 'It is done.';
      };
      const reply = { status: 500, headers: { 'X-Done': 'yes' }, body: 'It is done.' };
      await expectReplayed(testbed, 500, () => reply, { isFinal });
    });
  });

  suite.group('Not replayed is', (testbed) => {
    it.each([200, 302, 402])('a %d that isFinal does not accept: the retry runs as attempt 2', async (status) => {
      const handler = () => ({ status, body: 'Pending.' });
      const { first, retry, attempts } = await endAndRetry(testbed, handler, {
        isFinal: ({ status: seen }) => seen !== status,
      });
      expect([first?.status, first?.text]).toEqual([status, 'Pending.']);
      expect([retry.status, attempts]).toEqual([200, [1, 2]]);
    });
  });
}
