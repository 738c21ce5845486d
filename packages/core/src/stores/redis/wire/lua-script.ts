// A Lua script, and the SHA-1 digest by which Redis identifies it.
import { createHash } from 'node:crypto';
import type { CommandArgument } from './command-argument.js';

export interface LuaScript {
  readonly text: string;
  readonly sha1: string;
}

export function defineScript(text: string): LuaScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** The arguments of EVALSHA: the digest of a script, the number of its keys, the keys, and the script's arguments. */
export type ScriptCall = CommandArgument[];

/** The arguments of EVAL for the same call. */
export function withText({ text }: LuaScript, call: ScriptCall): ScriptCall {
  return [text, ...call.slice(1)];
}
