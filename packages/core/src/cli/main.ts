// The command `onceguard` (bin/onceguard.js imports this file): says what a Redis is worth for this job.
import { ConfigurationError } from '../errors.js';
import { readArguments, usage } from './arguments.js';
import { examineAll } from './doctor.js';
import { reportText } from './report.js';

const exitStatus = { fit: 0, unfit: 1, misused: 2 } as const;

async function main(): Promise<number> {
  const order = readArguments(process.argv.slice(2));
  if (order === 'help') {
    console.log(usage);
    return exitStatus.fit;
  }
  const report = await examineAll(order.targets);
  const hasColours = process.stdout.isTTY && !process.env.NO_COLOR;
  console.log(order.json ? JSON.stringify(report, null, 2) : reportText(report, hasColours));
  return report.ok ? exitStatus.fit : exitStatus.unfit;
}

// What the library warns programs of is among the findings.
process.removeAllListeners('warning');
// Until the answer is known: a process that ends early has not found that all is well.
process.exitCode = exitStatus.unfit;

void main()
  .catch((error: unknown) => {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    return exitStatus.misused;
  })
  .then((status) => {
    process.exitCode = status;
  });
