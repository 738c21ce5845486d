// The command line of onceguard: what makes no sense is said, with the way to use it, and no password is repeated.
import { describe, expect, test } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { runOnceguard } from './run-command.js';

test('--help shows examples, and ends with 0', async () => {
  const { status, stdout, stderr } = await runOnceguard('--help');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Usage: onceguard doctor <address…> \[options\]\n/);
  expect(stdout).toContain('onceguard doctor redis://127.0.0.1:6379');
  expect(await runOnceguard('doctor', '-h')).toMatchObject({ status: 0, stdout });
});

const mistakes: [args: string[], says: RegExp][] = [
  [[], /The command is: doctor/],
  [['docter', 'redis://127.0.0.1'], /The command is: doctor/],
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
  expect(stderr).toContain('onceguard doctor redis://127.0.0.1:6379');
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
