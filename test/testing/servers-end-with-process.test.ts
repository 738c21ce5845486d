// Servers end with the process that started them, even if it was killed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { compiledProgram } from '../support/programs.js';
import { remainsOf, type ServerTraces } from './server-traces.js';

test('A killed process leaves no server and no directory behind, whether a server was running, frozen or killed', async () => {
  const starter = new URL('processes/start-servers.ts', import.meta.url);
  const child = fork(await compiledProgram(starter), { execArgv: [] });
  const [traces]: ServerTraces[][] = await once(child, 'message');
  expect(remainsOf(traces ?? []).length).toBeGreaterThan(20);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(remainsOf(traces ?? [])).toEqual([]), 60_000);
});
