// A script whose effects replicas must have before its answer counts: the script and WAIT, together on one connection.
import { StoreError } from '../../../errors.js';
import type { LuaScript } from '../wire/lua-script.js';
import { type CommandArgument, isCluster, type RedisClient, send } from './redis-client.js';

/** Answers are believed only when so many replicas have what they tell of. */
export interface Durability {
  /** How many replicas must confirm. */
  readonly replicas: number;
  /** How long they may take. Less than `callTimeoutMs`. */
  readonly timeoutMs: number;
}

type CommandCall = [name: string, args: CommandArgument[]];

/**
 * A script that only read, as for a replay, leaves nothing to wait for; but what it read must be on the replicas too. This
 * appends nothing to what is there, which is replicated as a write, so that WAIT waits for all that was written before.
 */
const touchScript = `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('APPEND', KEYS[1], '') end`;

/**
 * WAIT counts for the connection that wrote, and on it alone: hence one pipeline, which a client sends whole or not at all.
 * The script goes by its text: to be told that the server does not know its digest would cost another round of waiting.
 * Fails as `unknown` when too few replicas have confirmed: the write stands, and may be lost with its server.
 */
export async function runScriptAndWait(
  client: RedisClient,
  durability: Durability,
  script: LuaScript,
  keysAndArgs: readonly CommandArgument[],
  deadlineAt: number,
): Promise<unknown> {
  const run: CommandCall = ['eval', [script.text, ...keysAndArgs]];
  const touchRecord: CommandCall = ['eval', [touchScript, 1, ...keysAndArgs.slice(1, 2)]];
  const wait: CommandCall = ['wait', [durability.replicas, durability.timeoutMs]];
  for (;;) {
    const [ran, touched, waited] = await sendPipeline(client, [run, touchRecord, wait]);
    const error = ran.error ?? touched.error ?? waited.error;
    if (error === null) return requireReplicas(ran.reply, Number(waited.reply), durability);
    if (!(await followMovedSlot(client, error, deadlineAt, run))) throw error;
  }
}

/** While a slot is on its way both nodes are asked, and are not asked without end. */
const slotMigrationPauseMs = 50;

/**
 * A cluster client follows a slot that has moved, and learns of it, only for a command that stands alone. It does no harm
 * that this one is not waited for: the same call is sent again.
 */
async function followMovedSlot(
  client: RedisClient,
  error: Error,
  deadlineAt: number,
  alone: CommandCall,
): Promise<boolean> {
  if (!isCluster(client) || !/^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /.test(error.message)) return false;
  if (!error.message.startsWith('MOVED')) await new Promise((resolve) => setTimeout(resolve, slotMigrationPauseMs));
  if (performance.now() < deadlineAt) await send(client, ...alone);
  return performance.now() < deadlineAt;
}

function requireReplicas(reply: unknown, count: number, { replicas, timeoutMs }: Durability): unknown {
  if (count >= replicas) return reply;
  const asked = `${replicas} replica${replicas === 1 ? '' : 's'}`;
  throw new StoreError('unknown', `Of ${asked} ${count} confirmed within ${timeoutMs} ms; the write may be lost.`);
}

interface CommandResult {
  readonly error: Error | null;
  readonly reply: unknown;
}

async function sendPipeline(
  client: RedisClient,
  commands: readonly CommandCall[],
): Promise<[CommandResult, CommandResult, CommandResult]> {
  const pipeline = client.pipeline?.();
  for (const [name, args] of commands) pipeline?.callBuffer(name, args);
  const replies = (await pipeline?.exec()) ?? [];
  const [ran = notSent, touched = notSent, waited = notSent] = replies.map(([error, reply]) => ({ error, reply }));
  return [ran, touched, waited];
}

const notSent: CommandResult = { error: new Error('The client has not sent the pipeline.'), reply: null };
