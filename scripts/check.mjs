// npm run check: everything about the code that can be judged without running it. All steps run; any failure fails.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNames } from './names.mjs';
import { bin, root, run, runQuietly } from './processes.mjs';
import { packageFolders, prepare } from './workspace.mjs';

const MAX_LINES = 250;

const steps = {
  'format and lint': () => run(bin('biome'), ['check', '--error-on-warnings', '.']),
  'promises are awaited': () => run(bin('oxlint'), ['--type-aware', '--deny-warnings', '.']),
  'types of the tests': () => run(bin('tsc'), ['-p', 'test']),
  'types of the examples': () => run(bin('tsc'), ['-p', 'examples']),
  'types of the benchmark': () => run(bin('tsc'), ['-p', 'bench']),
  'nothing unused': () => run(bin('knip'), []),
  'packages as published': checkTarballs,
  [`no source over ${MAX_LINES} lines`]: checkLength,
  'names are terms of the field': checkNames,
};

await prepare();
const failed = [];
for (const [name, step] of Object.entries(steps)) {
  console.log(`\n── ${name}`);
  if ((await step()) !== 0) failed.push(name);
}

console.log('');
for (const name of Object.keys(steps)) {
  console.log(`${failed.includes(name) ? '✗' : '✓'} ${name}`);
}
process.exitCode = failed.length > 0 ? 1 : 0;

/** Packs each package as for the registry, and asks publint and attw about the tarball. */
function checkTarballs() {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-pack-'));
  try {
    const packed = packageFolders.map((cwd) => {
      return judge('pnpm', ['pack', '--pack-destination', folder], join(root, cwd));
    });
    const judged = readdirSync(folder).flatMap((name) => [
      judge('publint', [name, '--strict'], folder),
      // Every way in which TypeScript resolves modules, node10 too: many CommonJS projects still have that.
      judge('attw', [name, '--profile', 'strict'], folder),
    ]);
    return Math.max(...packed, ...judged);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a tool whose output is of interest only when it finds something; answers its exit status. */
function judge(tool, args, cwd) {
  const { status, output } = runQuietly(bin(tool), args, { cwd });
  if (status !== 0) console.error(`${tool} ${args.join(' ')}\n${output}`);
  return status;
}

function checkLength() {
  const list = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  if (list.status !== 0) {
    console.error(list.stderr);
    return 1;
  }
  const sources = list.stdout.split('\n').filter((file) => /\.(ts|mts|cts|js|mjs|cjs|lua)$/.test(file));
  const long = sources
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  for (const { file, lines } of long) console.error(`${file}: ${lines} lines`);
  return long.length > 0 ? 1 : 0;
}
