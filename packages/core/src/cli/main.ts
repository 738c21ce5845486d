// The command `onceguard` (bin/onceguard.js imports this file): says what a Redis is worth for this job.
import { ConfigurationError } from '../errors.js';
import { parseCommandLine, usage } from './command-line.js';
import { checkTargets } from './doctor.js';
import { formatReport } from './format-report.js';

const exitStatus = { ok: 0, errorsFound: 1, invalidUsage: 2 } as const;

async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command === 'help') {
    console.log(usage);
    return exitStatus.ok;
  }
  const report = await checkTargets(command.targets);
  const hasColours = process.stdout.isTTY && !process.env.NO_COLOR;
  console.log(command.json ? JSON.stringify(report, null, 2) : formatReport(report, hasColours));
  return report.ok ? exitStatus.ok : exitStatus.errorsFound;
}

// What the library warns programs of is among the findings.
process.removeAllListeners('warning');
// Until the answer is known: a process that ends early has not found that all is well.
process.exitCode = exitStatus.errorsFound;

void main()
  .catch((error: unknown) => {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    return exitStatus.invalidUsage;
  })
  .then((status) => {
    process.exitCode = status;
  });
