// A disk that a test fills.
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverUser } from '../support/postgres-server.js';

export const noMount = 'Only root can mount a small file system.';

/** A file system of 8 MiB in memory. Null where none may be mounted. */
export function mountSmallDisk(lab: {
  onEnd(end: () => unknown): void;
}): { readonly path: string; fill(): void; free(): void } | null {
  const path = mkdtempSync(join(tmpdir(), 'onceguard-disk-'));
  lab.onEnd(() => rmSync(path, { recursive: true }));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  lab.onEnd(() => execFileSync('umount', ['--lazy', path]));
  const { uid = 0, gid = 0 } = serverUser();
  chownSync(path, uid, gid);
  const filler = join(path, 'filler');
  const fill = () => {
    const { bavail, bsize } = statfsSync(path);
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
  };
  return { path, fill, free: () => rmSync(filler) };
}
