// Redis and Valkey servers of several versions, unpacked from Debian's packages into a folder of the workspace. Nothing is
// installed into the system: apt has a state of its own, and each server runs with the libraries of its own release.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { root } from './processes.mjs';

/** The releases of Debian, and which server each of them has. */
const releases = [
  { suite: 'bullseye', server: 'redis-server', what: 'Redis 6.0' },
  { suite: 'bookworm', server: 'redis-server', what: 'Redis 7.0' },
  { suite: 'trixie', server: 'redis-server', what: 'Redis 8.0' },
  { suite: 'sid', server: 'valkey-server', what: 'Valkey 9' },
];

const cache = join(root, 'node_modules', '.cache', 'onceguard-servers');

const remedy =
  'Set REDIS_SERVERS to the paths of the servers to test, such as /opt/redis-8/bin/redis-server, with ' +
  `"${delimiter}" between them. On Debian and its relatives apt fetches them, which is not here.`;

/**
 * Each server: what it is, its version, and the folder with a program `redis-server`. Those of REDIS_SERVERS where that is set, else those of
 * Debian. Throws, with the remedy, where they cannot be had.
 */
export function redisServers() {
  const named = (process.env.REDIS_SERVERS ?? '').split(delimiter).filter((path) => path !== '');
  if (named.length > 0) return named.map((path, at) => wrapped(`named-${at}`, path, [path]));
  const mirror = mirrorOfThisMachine();
  return releases.map((release) => fetched(release, mirror));
}

function fetched({ suite, server, what }, mirror) {
  const home = join(cache, suite);
  if (!existsSync(home)) {
    console.log(`Fetching ${what} from Debian's packages (${suite}) …`);
    unpack(suite, server, mirror, home);
  }
  const files = readdirSync(home, { recursive: true }).map((file) => join(home, String(file)));
  // Some are links to a path of the system.
  const loader = files.find((file) => /\/ld-linux[^/]*\.so\.\d+$|\/ld-[\d.]+\.so$/.test(file) && existsSync(file));
  const program = files.find((file) => file.endsWith(`/bin/${server}`));
  if (loader === undefined || program === undefined)
    throw new Error(`${home} has no ${server}. Remove it and try again.`);
  const libraries = [...new Set(files.filter((file) => /\.so(\.\d+)*$/.test(file)).map(dirname))].join(':');
  return wrapped(suite, what, [loader, '--library-path', libraries, program]);
}

const keyrings = ['gpg', 'pgp'].map((end) => `/usr/share/keyrings/debian-archive-keyring.${end}`);

/** The mirror that the machine's own sources name: the packages of all releases lie there. */
function mirrorOfThisMachine() {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)';
  const { status, stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const rows = status === 0 ? stdout.split('\n').map((line) => line.split(' ')) : [];
  const isMain = ([, release = '', component]) => component === 'main' && !/security|updates|backports/.test(release);
  const uri = rows.find((row) => isMain(row) && row[3] === 'Debian')?.[0];
  if (uri === undefined) throw new Error(remedy);
  return uri;
}

/** The server and all that it depends on, also the C library, as into an empty system. */
function unpack(suite, server, mirror, home) {
  const state = `${home}.apt`;
  const partial = `${home}.partial`;
  for (const folder of [state, partial]) rmSync(folder, { recursive: true, force: true });
  for (const folder of ['lists/partial', 'archives/partial', 'sources'])
    mkdirSync(join(state, folder), { recursive: true });
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const source = ['Types: deb', `URIs: ${mirror}`, `Suites: ${suite}`, 'Components: main'];
  const keyring = keyrings.find((path) => existsSync(path));
  if (keyring !== undefined) source.push(`Signed-By: ${keyring}`);
  writeFileSync(join(state, 'sources', `${suite}.sources`), `${source.join('\n')}\n`);
  const settings = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': join(state, 'sources'),
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': state,
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': state,
    'Debug::NoLocking': '1',
    'APT::Install-Recommends': '0',
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  must('apt-get', [...options, '-qq', 'update']);
  must('apt-get', [...options, '-qq', '-y', '--download-only', 'install', server]);
  const archives = join(state, 'archives');
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    must('dpkg', ['-x', join(archives, file), partial]);
  }
  renameSync(partial, home);
  rmSync(state, { recursive: true, force: true });
}

/** A folder for the PATH in which this command is called `redis-server`. */
function wrapped(name, what, command) {
  const path = join(cache, 'bin', name);
  mkdirSync(path, { recursive: true });
  const program = join(path, 'redis-server');
  const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  writeFileSync(program, `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(program, 0o755);
  const { status, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.at(-1)} does not start: ${stderr}`);
  const version = versionIn(stdout);
  return { what: `${what} (${version})`, version, path };
}

/** The version of the server on the PATH, which `npm test` uses. Undefined: there is none. */
export function versionOnPath() {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? versionIn(stdout) : undefined;
}

function versionIn(text) {
  return /v=(\S+)/.exec(text)?.[1] ?? 'version not known';
}

function must(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `${stdout}${stderr}`}\n${remedy}`);
}
