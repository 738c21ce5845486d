// onceguard doctor: whether a Redis, a PostgreSQL or a file of SQLite is fit to keep records.
import { checkTargets } from '../doctor/check-targets.js';
import { doctorUsage, parseDoctorCommand } from '../doctor/command-line.js';
import { formatReport } from '../doctor/format-report.js';
import { exitStatus } from '../exit-status.js';
import { hasColours, printLine } from '../terminal.js';

export async function runDoctor(args: readonly string[]): Promise<number> {
  const command = parseDoctorCommand(args);
  if (command === 'help') {
    printLine(doctorUsage);
    return exitStatus.fine;
  }
  const report = await checkTargets(command.of, command.timeoutMs);
  printLine(command.json ? JSON.stringify(report, null, 2) : formatReport(report, hasColours()));
  return report.ok ? exitStatus.fine : exitStatus.found;
}
