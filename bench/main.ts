// npm run bench: measures what the command line asks for, keeps the results, and reports them.
import { type Command, readArguments, usage } from './arguments.js';

const command = commandLine();
if (command !== null) {
  // Loaded when it is needed: the runs load every framework, which takes longer than to reject an argument.
  const { runCommand } = await import('./run-command.js');
  await runCommand(command);
}

function commandLine(): Command | null {
  try {
    const read = readArguments(process.argv.slice(2));
    if (read !== 'help') return read;
    console.log(usage);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exitCode = 2;
  }
  return null;
}
