// Servers whose clock only a test moves. Needs a C compiler.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** A clock that only a test moves, for a server that is started with this environment. */
export interface ShiftedClock {
  readonly environment: Readonly<Record<string, string>>;
  /** Moves it by so many whole seconds from this machine's time. */
  shift(seconds: number): void;
  remove(): void;
}

/** Null where no compiler makes the library to preload. */
export function createShiftedClock(): ShiftedClock | null {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-clock-'));
  // A server may run as another user.
  chmodSync(folder, 0o755);
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
  return { environment: { LD_PRELOAD: library, SHIFTED_CLOCK: clock }, shift, remove };
}

/** Null where no compiler makes the library to preload. Do not call it while other processes are started. */
export async function startShiftedRedis(options: StartRedisOptions = {}): Promise<ShiftedRedis | null> {
  const clock = createShiftedClock();
  if (clock === null) return null;
  // The server inherits this process's environment.
  Object.assign(process.env, clock.environment);
  const server = await startRedis(options).finally(() => {
    for (const name of Object.keys(clock.environment)) delete process.env[name];
  });
  return { server, shift: clock.shift, stop: () => server.stop().finally(clock.remove) };
}
