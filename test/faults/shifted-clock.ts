// A Redis whose clock only a test moves. Needs a C compiler.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RedisServer, type StartRedisOptions, startRedis } from '@onceguard/testing';

export interface ShiftedRedis {
  readonly server: RedisServer;
  /** Moves it by so many whole seconds from this machine's time. */
  shift(seconds: number): void;
  stop(): Promise<void>;
}

const source = fileURLToPath(new URL('processes/shifted-clock.c', import.meta.url));

/** Null where no compiler makes the library to preload. Do not call it while other processes are started. */
export async function startShiftedRedis(options: StartRedisOptions = {}): Promise<ShiftedRedis | null> {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-clock-'));
  const [library, clock] = [join(folder, 'shifted-clock.so'), join(folder, 'ms')];
  const shift = (seconds: number) => {
    writeFileSync(`${clock}.new`, String(seconds * 1_000));
    renameSync(`${clock}.new`, clock);
  };
  const remove = () => rmSync(folder, { recursive: true });
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source], { stdio: 'ignore' });
  } catch {
    remove();
    return null;
  }
  shift(0);
  // The server inherits this process's environment.
  process.env.LD_PRELOAD = library;
  process.env.SHIFTED_CLOCK = clock;
  const server = await startRedis(options).finally(() => {
    delete process.env.LD_PRELOAD;
    delete process.env.SHIFTED_CLOCK;
  });
  return { server, shift, stop: () => server.stop().finally(remove) };
}
