// Runs the programs of examples/ as a reader would: each in its own process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { compiledProgram } from '../support/programs.js';

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const examples = new URL('../../examples/', import.meta.url);

export interface ProgramOutput {
  readonly status: number;
  readonly text: string;
}

export function startProgram(
  file: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): ChildProcess {
  const program = new URL(file, examples).pathname;
  return spawn(process.execPath, ['--import', tsx, program, ...args], { env: { ...process.env, ...env } });
}

/** Starts a program that tests start many times: compiled, it takes a part of the time. */
export async function startCompiled(file: string, env: Record<string, string>): Promise<ChildProcess> {
  const program = await compiledProgram(new URL(file, examples));
  return spawn(process.execPath, [program], { env: { ...process.env, ...env } });
}

/** Runs a program to its end. */
export async function runToEnd(
  file: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<ProgramOutput> {
  return await outputOf(startProgram(file, args, env));
}

/** The same, compiled, for a program that starts others many times. */
export async function runCompiledToEnd(file: string, env: Record<string, string>): Promise<ProgramOutput> {
  return await outputOf(await startCompiled(file, env));
}

async function outputOf(child: ChildProcess): Promise<ProgramOutput> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [status] = await once(child, 'close');
  return { status: Number(status), text };
}

/** Resolves with the port that a server program prints when it listens. */
export async function listeningPort(child: ChildProcess): Promise<number> {
  let text = '';
  // The program may print more: its output stays open.
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk);
    const port = /port (\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`The program ended without listening:\n${text}`);
}
