// Finds what a server has left behind: its process, its directory, and its cleanup process.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { RedisServer } from '@onceguard/testing';

export interface ServerTraces {
  readonly pid: number;
  readonly folder: string;
}

export async function tracesOf(server: RedisServer): Promise<ServerTraces> {
  const info = String(await server.command('INFO', 'server'));
  const file = /^config_file:(.+)$/m.exec(info)?.[1]?.trim() ?? '';
  return { pid: server.pid, folder: file.replace(/\/[^/]+$/, '') };
}

/** What is left of these servers: lines of `ps`, and folders. */
export function remainsOf(traces: readonly ServerTraces[]): string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'stat,pid,args'], { encoding: 'utf8' });
  const processes = stdout.split('\n').filter((line) => !line.startsWith('Z'));
  return traces.flatMap(({ pid, folder }) => [
    ...processes.filter((line) => line.trim().split(/ +/)[1] === String(pid) || line.includes(folder)),
    ...(existsSync(folder) ? [folder] : []),
  ]);
}
