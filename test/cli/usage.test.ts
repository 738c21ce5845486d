// The command line of onceguard: what makes no sense is said, with the way to use it, and no password is repeated.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRepositoryFile, root } from '../packages/source-trees.js';
import { redisUrl } from '../support/redis.js';
import { runOnceguard, runToEnd, startOnceguard } from './run-command.js';

test('--help shows examples, and ends with 0', async () => {
  const { status, stdout, stderr } = await startOnceguard('doctor', '--help');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Usage: onceguard doctor <address…> \[options\]\n/);
  expect(stdout).toContain('onceguard doctor redis://127.0.0.1:6379');
  expect(await runOnceguard('doctor', '-h')).toMatchObject({ status: 0, stdout });
});

test.each(['demo', 'doctor', 'doubts', 'find', 'inspect', 'remove', 'resolve'])(
  '%s is in the list of --help, and has a help of its own',
  async (command) => {
    expect(await runOnceguard('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^ {2}onceguard ${command}`, 'm')),
    });
    expect(await runOnceguard(command, '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^Usage: onceguard ${command}`)),
    });
  },
);

test('npx @onceguard/core doctor says where the command went, with status 2', async () => {
  const { bin } = JSON.parse(readRepositoryFile('packages/core/package.json'));
  const program = join(root, 'packages/core', bin['onceguard-core']);
  expect(await runToEnd(process.execPath, [program, 'doctor', 'redis://:secret@127.0.0.1'])).toEqual({
    status: 2,
    stdout: '',
    stderr: 'The commands are in @onceguard/cli now. Run: npx @onceguard/cli doctor redis://…\n',
  });
});

const mistakes: [args: string[], says: RegExp][] = [
  [[], /The commands are demo, doctor, doubts/],
  [['docter', 'redis://127.0.0.1'], /The commands are demo, doctor, doubts/],
  [['doctor'], /An address is missing, such as redis:/],
  [['doctor', '127.0.0.1:6379'], /Address 1 must be redis:/],
  [['doctor', 'redis://127.0.0.1', 'http://127.0.0.1'], /Address 2 must be redis:/],
  [['doctor', 'redis://'], /Address 1/],
  [['doctor', 'redis://127.0.0.1?tls=1'], /Address 1/],
  [['doctor', 'redis://127.0.0.1/one'], /Address 1/],
  [['doctor', 'redis://127.0.0.1:port'], /Address 1/],
  [['doctor', 'redis://127.0.0.1', '--tls'], /Unknown option '--tls'/],
  [['doctor', 'redis://127.0.0.1', '--sentinel'], /'--sentinel <value>' argument missing/],
  [['doctor', 'redis://127.0.0.1', '--cluster', '--sentinel', 'm'], /A cluster has no Sentinels/],
  [['doctor', 'redis://127.0.0.1', '--timeout', '1s'], /--timeout must be milliseconds, such as 1000/],
];

test.concurrent.each(mistakes)('%j ends with 2, and says how it is meant', async (args, says) => {
  const { status, stdout, stderr } = await runOnceguard(...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(says);
  expect(stderr).toContain('onceguard doctor redis://');
});

test('A mistake of any command ends the process with 2, and prints to stderr alone', async () => {
  const commands = ['find', 'doubts', 'resolve', 'remove', 'inspect', 'doctor', 'demo'];
  const ended = await Promise.all(commands.map((command) => startOnceguard(command, '--no-such-option')));
  const refused = { status: 2, stdout: '', stderr: expect.stringContaining("Unknown option '--no-such-option'") };
  expect(ended).toEqual(commands.map(() => refused));
});

test.each([
  [['--prefix', 'a{b}'], /prefix is "a\{b\}"; it must be/],
  [['--timeout', '0'], /callTimeoutMs is 0; it must be/],
  [['--cluster'], /db is 3; it must be left out: a cluster has one database/],
])('What no store could have ends with 2: %j', async (args, says) => {
  const { status, stdout, stderr } = await runOnceguard('doctor', `${redisUrl()}/3`, ...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(says);
});

describe('A password that is not encoded as in an address is not repeated:', () => {
  test.each(['hush/hush@', 'hush?hush@', 'hush#hush@', 'hush%hush@', 'hush@hush/', 'hush'])('%s', async (password) => {
    const { status, stdout, stderr } = await runOnceguard('doctor', `redis://:${password}127.0.0.1:1`, '--json');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).not.toContain('hush');
  });
});
