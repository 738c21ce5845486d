// Servers end with the process that started them, even if it was killed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { remainsOf, type ServerTraces } from './server-traces.js';

test('A killed process leaves no server and no directory behind, whether a server was running, frozen or killed', async () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const starter = fileURLToPath(new URL('processes/start-servers.ts', import.meta.url));
  const child = fork(starter, { execArgv: ['--import', tsx] });
  const [traces]: ServerTraces[][] = await once(child, 'message');
  expect(remainsOf(traces ?? []).length).toBeGreaterThan(20);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(remainsOf(traces ?? [])).toEqual([]), 10_000);
});
