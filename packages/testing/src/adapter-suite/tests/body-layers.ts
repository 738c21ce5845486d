// Requirement 13: an outer layer that changes every response changes it once, also where the response is a replay.
import { expect, it } from 'vitest';
import type { AdapterTests } from '../adapter-tests.js';
import { startWithMiddleware } from '../support/app-with-layer.js';

export function bodyLayersTests(suite: AdapterTests): void {
  suite.group(
    'An outer layer that changes the body of every response',
    (testbed) => {
      const startWithBrackets = async () =>
        await startWithMiddleware({
          testbed,
          place: 'outside',
          layer: testbed.bodyLayer((body) => `[${body}]`),
          handler: () => ({ status: 201, headers: { 'Content-Type': 'text/plain' }, body: 'paid' }),
        });

      it('acts once, on the first response and on each replay', async () => {
        const app = await startWithBrackets();
        const responses = [await app.sendWithoutKey(), await app.sendWithKey(), await app.sendWithKey()];
        responses.push(await app.sendWithKey());
        expect(responses.map(({ text }) => text)).toEqual(['[paid]', '[paid]', '[paid]', '[paid]']);
        const replayed = responses.map(({ headers }) => headers['idempotent-replayed']);
        expect(replayed).toEqual([undefined, undefined, 'true', 'true']);
        expect(app.runs()).toBe(2);
      });

      it('acts once on a refusal', async () => {
        const app = await startWithBrackets();
        await app.sendWithKey();
        const refusal = await app.sendWithKey({ body: { amount: 11 } });
        expect([refusal.status, refusal.text]).toEqual([422, expect.stringMatching(/^\[\{.*\}\]$/)]);
      });
    },
    { needs: ['outerLayers', 'bodyLayers'] },
  );
}
