// Requirement 8: a response given with Express' own methods is recorded although its client has disconnected.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Response } from 'express';
import { expect, it } from 'vitest';
import {
  disconnectAndRetry,
  disconnects,
} from '../../packages/testing/src/adapter-suite/support/disconnect-and-retry.js';
import { onEveryFramework } from './framework-matrix.js';
import { isExpress } from './registrations/express.js';

const path = fileURLToPath(import.meta.url);
const whole = readFileSync(path, 'utf8');
const paid = JSON.stringify({ paid: true });

const forms: readonly (readonly [title: string, text: string, respond: (res: Response) => unknown])[] = [
  ['json()', paid, (res) => res.json({ paid: true })],
  ['send() of a string', paid, (res) => res.send(paid)],
  ['send() of a Buffer', paid, (res) => res.send(Buffer.from(paid))],
  ['sendFile()', whole, (res) => res.sendFile(path)],
];

for (const [departure, depart] of Object.entries(disconnects)) {
  onEveryFramework(
    `A response given after the client ${departure}`,
    (testbed) => {
      it.each(forms)('is recorded, and the retry gets it: %s', async (_title, text, respond) => {
        const { retry, runs } = await disconnectAndRetry(testbed, depart, async (call, leave) => {
          await leave();
          respond(call.res as Response);
          return 'native' as const;
        });
        expect(retry).toMatchObject({ status: 200, text, headers: { 'idempotent-replayed': 'true' } });
        expect(runs).toBe(1);
      });
    },
    { only: isExpress },
  );
}
