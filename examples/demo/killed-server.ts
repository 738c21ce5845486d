// The scene that needs two servers on one Redis: the first is killed after it has charged the card, the second takes over.
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type PaymentResponse, pay } from './client.js';
import type { Scene, SceneContext } from './scenes.js';

export function killedServerScene(redisUrl: string, prefix: string): Scene {
  return {
    title: 'A server that dies',
    description: 'The server is killed right after the card was charged; the shop asks again, at a second server.',
    charges: 1,
    async run({ bank }) {
      const [first, second] = await Promise.all([startServer(), startServer()]);
      try {
        const key = randomUUID();
        bank.setDelay(60_000);
        const charged = bank.nextCharge();
        const unanswered = pay(first.url, { key, amount: 50 }).catch(() => 'the server died');
        await charged;
        first.process.kill('SIGKILL');
        const broken = await unanswered;
        bank.setDelay(0);
        const retried = await payUntilFinal(second.url, key);
        const responses = [
          { who: 'the first try', answer: broken },
          { who: 'the second server', answer: retried },
        ];
        return { responses, isAsExpected: retried.status === 201 && !retried.replayed };
      } finally {
        first.process.kill('SIGKILL');
        second.process.kill('SIGKILL');
      }

      async function startServer(): Promise<{ process: ChildProcess; url: string }> {
        const program = fileURLToPath(new URL('server.ts', import.meta.url));
        const child = fork(program, [redisUrl, bank.url, prefix]);
        const [port] = await Promise.race([once(child, 'message'), rejectOnExit(child)]);
        return { process: child, url: `http://127.0.0.1:${port}/payments` };
      }
    },
  };
}

/** The key is free when the dead server's lease is over. Until then the response is 409 with `Retry-After`. */
async function payUntilFinal(url: SceneContext['url'], key: string): Promise<PaymentResponse> {
  for (let tries = 0; ; tries += 1) {
    const answer = await pay(url, { key, amount: 50 });
    if (answer.status !== 409 || tries === 20) return answer;
    await pause(500);
  }
}

async function rejectOnExit(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`A server of the demo did not start (exit status ${code}).`);
}
