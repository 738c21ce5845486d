// The command `onceguard`, which `bin/onceguard.js` imports: checks whether a Redis is fit to keep records.
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

// The findings include what the library would also emit as process warnings.
process.removeAllListeners('warning');
// A process that ends before the check has finished must not report success.
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
