// The webhook in docs/get-started.md: its code, given an event of Stripe's several times.
import * as core from '@onceguard/core';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript6';
import { expect, it } from 'vitest';
import { readRepositoryFile } from '../packages/source-trees.js';

/** As Stripe sends it, without the payment's other members. */
const event = {
  id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
  object: 'event',
  api_version: '2025-03-31.basil',
  created: 1_686_089_970,
  livemode: false,
  pending_webhooks: 2,
  request: { id: 'req_7YKiHNNdwzLkFs', idempotency_key: '9d1c2f53-5e4b-4f6c-a9c3-52f9d3d5a9ac' },
  type: 'payment_intent.succeeded',
  data: { object: { id: 'pi_3MtwBwLkdIwHu7ix28a3tqPa', object: 'payment_intent', amount: 2_000, currency: 'usd' } },
};

/** Makes the first code block of the section a function of its free variables. */
function codeOf(section: string): (globals: Record<string, unknown>) => Promise<unknown> {
  const [, after = ''] = readRepositoryFile('docs/get-started.md').split(`## ${section}\n`);
  const [, code = ''] = /```ts\n(.*?)```/s.exec(after) ?? [];
  const { outputText } = transpileModule(code, {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 },
  });
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;
  return async (globals) =>
    await Reflect.construct(AsyncFunction, [...Object.keys(globals), outputText])(...Object.values(globals));
}

it('The webhook of docs/get-started.md books an event of Stripe’s once, though a redelivery has other pending_webhooks', async () => {
  const booked: unknown[] = [];
  const keys = new Set<string>();
  const ledger = {
    add: async (added: unknown, { key }: { key: string }) => {
      booked.push(added);
      keys.add(key);
      return { entry: booked.length };
    },
  };
  const globals = { require: () => core, exports: {}, store: new core.MemoryStore(), ledger, event };
  const run = codeOf('A function, a job, a webhook');
  await run(globals);
  for (const pending_webhooks of [2, 1, 0]) await run({ ...globals, event: { ...event, pending_webhooks } });
  expect([booked, keys.size]).toEqual([[event], 1]);
  const other = { ...event, data: { object: { ...event.data.object, amount: 9_000 } } };
  await expect(run({ ...globals, event: other })).rejects.toMatchObject({ code: 'key_reused' });
});
