// Runs a script and waits until replicas have its effects: the script and WAIT leave together on one connection.
import { StoreError } from '../../../errors.js';
import type { CommandArgument } from '../wire/command-argument.js';
import { type LuaScript, type ScriptCall, withText } from '../wire/lua-script.js';
import { isCluster, type RedisClient, send } from './redis-client.js';

/** How many replicas must confirm a write before its reply counts. */
export interface Durability {
  /** How many replicas must confirm: 1 to 100. */
  readonly replicas: number;
  /** How long they may take, in milliseconds. Less than `callTimeoutMs`. */
  readonly timeoutMs: number;
}

type CommandCall = [name: string, args: CommandArgument[]];

/**
 * A script that only reads, as for a replay, writes nothing that WAIT could wait for. But the record that it read must be on
 * the replicas too. APPEND of an empty text changes nothing and is replicated as a write, so WAIT waits for all earlier
 * writes.
 */
const touchScript = `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('APPEND', KEYS[1], '') end`;

/**
 * WAIT counts only writes of its own connection, so all commands leave in one pipeline, which a client sends as a whole or
 * not at all. The script is sent as text: an unknown digest would cost another wait for the replicas. Rejects as `unknown` if
 * too few replicas have confirmed: the master has the write, and may lose it.
 */
export async function runScriptAndWait(
  client: RedisClient,
  durability: Durability,
  script: LuaScript,
  scriptCall: ScriptCall,
  deadlineAt: number,
): Promise<unknown> {
  const run: CommandCall = ['eval', withText(script, scriptCall)];
  const touchRecord: CommandCall = ['eval', [touchScript, 1, ...scriptCall.slice(2, 3)]];
  const wait: CommandCall = ['wait', [durability.replicas, durability.timeoutMs]];
  for (;;) {
    const [ran, touched, waited] = await sendInOnePipeline(client, [run, touchRecord, wait]);
    const error = ran.error ?? touched.error ?? waited.error;
    if (error === null) return requireReplicas(ran.reply, Number(waited.reply), durability);
    if (!(await followMovedSlot(client, error, deadlineAt, run))) throw error;
  }
}

/** The pause before a command is repeated while its slot is moving between two nodes. */
const slotMigrationPauseMs = 50;

/**
 * Sends the script alone, without WAIT, so that the cluster client learns where the slot is now: it follows a moved slot only
 * for single commands. The caller then sends the whole pipeline again, and every script is safe to repeat.
 */
async function followMovedSlot(
  client: RedisClient,
  error: Error,
  deadlineAt: number,
  run: CommandCall,
): Promise<boolean> {
  if (!isCluster(client) || !/^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /.test(error.message)) return false;
  if (!error.message.startsWith('MOVED')) await new Promise((resolve) => setTimeout(resolve, slotMigrationPauseMs));
  if (performance.now() < deadlineAt) await send(client, ...run);
  return performance.now() < deadlineAt;
}

function requireReplicas(reply: unknown, count: number, { replicas, timeoutMs }: Durability): unknown {
  if (count >= replicas) return reply;
  const required = `${replicas} replica${replicas === 1 ? '' : 's'}`;
  throw new StoreError(
    'unknown',
    `${count} of ${required} confirmed the write within ${timeoutMs} ms; the write may be lost.`,
  );
}

interface CommandResult {
  readonly error: Error | null;
  readonly reply: unknown;
}

async function sendInOnePipeline(
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
