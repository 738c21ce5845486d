// The scenes that need two servers on one store: the first is killed after it has charged the card, the second is asked then.
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type PaymentResponse, pay } from './client.js';
import type { Scene, SceneContext, SceneResult } from './scenes.js';

export function killedServerScenes(location: string, prefix: string): readonly Scene[] {
  const kill = (context: SceneContext, path: KilledPath) => killWhileCharging(context, { location, prefix, path });
  return [
    {
      title: 'A server that dies',
      description: 'The server is killed right after the card was charged; the shop asks again, at a second server.',
      charges: 1,
      run: async (context) => {
        const { responses, retried } = await kill(context, 'payments');
        return { responses, isAsExpected: retried.status === 201 && !retried.replayed };
      },
    },
    {
      title: 'A server that dies, and a transfer that must not run twice',
      description: 'The same with a policy for payments: nothing runs until somebody has decided what happened.',
      charges: 1,
      run: async (context) => {
        const { responses, retried } = await kill(context, 'transfers');
        return { responses, isAsExpected: retried.status === 409 && retried.text.includes('outcome_unknown') };
      },
    },
  ];
}

type KilledPath = 'payments' | 'transfers';

interface Servers {
  /** By what a server opens the store. */
  readonly location: string;
  readonly prefix: string;
  readonly path: KilledPath;
}

type KilledResult = Pick<SceneResult, 'responses'> & { readonly retried: PaymentResponse };

async function killWhileCharging({ bank }: SceneContext, { location, prefix, path }: Servers): Promise<KilledResult> {
  const start = () => startServer([location, bank.url, prefix], path);
  const [first, second] = await Promise.all([start(), start()]);
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
      { who: 'the first try', response: broken },
      { who: 'the second server', response: retried },
    ];
    return { responses, retried };
  } finally {
    first.process.kill('SIGKILL');
    second.process.kill('SIGKILL');
  }
}

/** Starts this very program as another process, with the command that serves the API. */
async function startServer(args: readonly string[], path: KilledPath): Promise<{ process: ChildProcess; url: string }> {
  const child = fork(process.argv[1] ?? '', ['demo-server', ...args]);
  const [url] = await Promise.race([once(child, 'message'), rejectOnExit(child)]);
  return { process: child, url: String(url).replace(/payments$/, path) };
}

/** Until the dead server's lease is over, the response is 409 with `Retry-After`. */
async function payUntilFinal(url: string, key: string): Promise<PaymentResponse> {
  for (let tries = 0; ; tries += 1) {
    const response = await pay(url, { key, amount: 50 });
    if (!response.text.includes('in_progress') || tries === 20) return response;
    await pause(500);
  }
}

async function rejectOnExit(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`A server of the demo did not start (exit status ${code}).`);
}
