// Checks what the command names, and reports it in one form for every kind of store.
import { StoreError } from '@onceguard/core';
import { checkRedisServers } from '@onceguard/core/redis';
import type { StoreFinding } from '@onceguard/core/sql';
import { withPostgres, withSqlite } from '../open-store.js';
import type { CheckTargets } from './command-line.js';
import type { DoctorReport } from './format-report.js';

export async function checkTargets(of: CheckTargets, timeoutMs: number): Promise<DoctorReport> {
  switch (of.kind) {
    case 'redis':
      return await checkRedisServers(of.targets);
    case 'postgres': {
      const found = of.urls.map((url) => withPostgres(url, of.names, timeoutMs, (store) => store.check()));
      return toReport(of.urls.map(hostOf), (await Promise.all(found)).flat());
    }
    case 'sqlite': {
      const found = of.paths.map((path) => checkFile(path, timeoutMs));
      return toReport(of.paths, (await Promise.all(found)).flat());
    }
  }
}

function toReport(servers: readonly string[], findings: readonly StoreFinding[]): DoctorReport {
  return { servers, findings, ok: findings.every(({ severity }) => severity !== 'error') };
}

/** Without user and password. */
function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || 5432}`;
}

async function checkFile(path: string, timeoutMs: number): Promise<readonly StoreFinding[]> {
  try {
    return await withSqlite(path, timeoutMs, (store) => store.check({ wholeFile: true }));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const remedy = 'Check the path, the rights and the disk: docs/sqlite.md.';
    return [
      { code: 'sqlite_failed', severity: 'error', message: error.message.replace(/\.$/, ''), remedy, server: path },
    ];
  }
}
