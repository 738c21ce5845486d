// Installs a server on a machine that has none: on Debian as root by apt; elsewhere it says what to install.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

// Debian runs this script before it starts the service of a package; exit code 101 forbids the start.
const POLICY = '/usr/sbin/policy-rc.d';

/** Installs a package of the distribution without starting its service; throws, with the remedy, where it cannot. */
export function installPackage(name: string, remedy: string): void {
  const mayInstall = existsSync('/etc/debian_version') && process.getuid?.() === 0;
  if (!mayInstall) throw new Error(remedy);
  console.log(`Installing ${name} with apt-get …`);
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    aptGet('update', '-qq');
    aptGet('install', '-y', '-qq', '--no-install-recommends', name);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}

function aptGet(...args: string[]): void {
  const result = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  throw new Error(`apt-get ${args.join(' ')} failed:\n${result.error?.message ?? `${result.stdout}${result.stderr}`}`);
}
