// The ioredis client of `RedisStore.connect`: its commands cost the process less time than those of ioredis.
import type { Command, Redis } from 'ioredis';
import type { CommandArgument } from '../wire/command-argument.js';
import type { IoredisClasses } from './ioredis-module.js';

type RedisClass = typeof Redis;
type CommandClass = typeof Command;

/** Derived once from each class, so that all clients of a process have the same class. */
const derivedClasses = new WeakMap<RedisClass, RedisClass>();

/** The class `Redis`, with a `callBuffer` that sends such commands. A test that replaces ioredis may have no class `Command`. */
export function scriptClientClass({ Redis: Base, Command: BaseCommand }: IoredisClasses): RedisClass {
  if (BaseCommand === undefined) return Base;
  const derived = derivedClasses.get(Base) ?? deriveClient(Base, BaseCommand);
  derivedClasses.set(Base, derived);
  return derived;
}

function deriveClient(Base: RedisClass, BaseCommand: CommandClass): RedisClass {
  const StoreCommand = deriveCommand(BaseCommand);
  class ScriptClient extends Base {
    /** As the store calls it: with a list of arguments. */
    override callBuffer(name: string, args?: unknown, ..._rest: unknown[]): Promise<unknown> {
      const command = new StoreCommand(name, args as CommandArgument[], { replyEncoding: null });
      this.sendCommand(command);
      return command.promise;
    }
  }
  return ScriptClient as RedisClass;
}

function deriveCommand(Base: CommandClass): CommandClass {
  return class StoreCommand extends Base {
    /** Sets no timer: the store has its own deadline for each command, which is as long. */
    override setTimeout(): void {}

    /** ioredis asks for the number of bytes of each argument. It is the number of characters where all of them are ASCII. */
    override toWritable(stream: object): string | Buffer {
      let text = `*${this.args.length + 1}\r\n$${this.name.length}\r\n${this.name}\r\n`;
      for (const arg of this.args) {
        if (typeof arg !== 'string') return super.toWritable(stream);
        text += `$${arg.length}\r\n${arg}\r\n`;
      }
      return Buffer.byteLength(text) === text.length ? text : super.toWritable(stream);
    }
  };
}
