// A Lua script, and the SHA-1 digest by which Redis identifies it.
import { createHash } from 'node:crypto';

export interface LuaScript {
  readonly text: string;
  readonly sha1: string;
}

export function defineScript(text: string): LuaScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}
