// The program of examples/rabbitmq-jobs, run as its first lines say.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'amqplib';
import { afterEach, expect, test, vi } from 'vitest';
import { declareQueues } from '../../examples/rabbitmq-jobs/queues.js';
import { runToEnd, startProgram } from '../examples/run-program.js';

const program = 'rabbitmq-jobs/main.ts';
const queue = `onceguard-test-${randomUUID()}`;
const env = { QUEUE: queue, PREFIX: `${queue}:` };
let consumer: ChildProcess | null = null;

afterEach(async () => {
  consumer?.kill('SIGKILL');
  const connection = await connect(String(process.env.RABBITMQ_URL));
  const channel = await connection.createConfirmChannel();
  const { work, delays, parked, dead } = await declareQueues(channel, queue);
  for (const name of [work, parked, dead, ...delays.map((delay) => delay.queue)]) await channel.deleteQueue(name);
  await connection.close();
});

test('An order that is sent twice is shipped once, and the consumer ends when it is asked to', async () => {
  consumer = startProgram(program, ['work'], env);
  let text = '';
  for (const stream of [consumer.stdout, consumer.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
  const timesOf = (what: string) => text.split(what).length - 1;

  for (let sent = 1; sent <= 2; sent += 1) {
    const { status, text: output } = await runToEnd(program, ['send', 'order-17'], env);
    expect([status, output]).toEqual([0, '']);
    await vi.waitFor(() => expect(timesOf('acknowledge')).toBe(sent), { timeout: 30_000, interval: 50 });
  }
  expect(timesOf('order-17: attempt 1')).toBe(1);
  expect(timesOf('order-17: attempt 2')).toBe(0);

  const exited = once(consumer, 'exit');
  consumer.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});
