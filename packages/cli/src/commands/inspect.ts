// onceguard inspect: the inspector on this machine, for who has the printed address.
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { parseCommand } from '../arguments.js';
import { exitStatus } from '../exit-status.js';
import { serveInspector } from '../inspector-server.js';
import { storeOptions, storeOptionsUsage, withStore } from '../open-store.js';
import { printLine } from '../terminal.js';
import { UsageError } from '../usage-error.js';

const usage = `Usage: onceguard inspect <url> [options]

Serves the inspector on a port of this machine and prints its address. Only who has the address may enter. Ctrl-C ends it.

  onceguard inspect redis://127.0.0.1:6379

  --port <port>        default: one that is free
  --by <who>           the name on your decisions; default: your user name
  --read-only          nobody may decide anything
  --trace-url <url>    the address of a trace in your tracing tool, with {traceId} in it
${storeOptionsUsage}

It shows what is on record. What happens now is seen in the processes that do it: mount the inspector there.`;

const options = {
  ...storeOptions,
  port: { type: 'string', default: '0' },
  by: { type: 'string' },
  'read-only': { type: 'boolean', default: false },
  'trace-url': { type: 'string' },
} as const;

export async function runInspect(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, options, usage);
  if (values.help) {
    printLine(usage);
    return exitStatus.fine;
  }
  if (positionals.length > 1) throw new UsageError('inspect takes one URL.');
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535)
    throw new UsageError('--port must be a number from 0 to 65535.');
  const trace = values['trace-url'];
  if (trace !== undefined && !trace.includes('{traceId}'))
    throw new UsageError('--trace-url must contain {traceId}, such as https://traces.example/trace/{traceId}.');
  return await withStore(positionals[0], values, async (store) => {
    // A wrong address or a missing right is said at once, and not on the page.
    await store.read('startup');
    const name = values.by ?? userInfo().username;
    const traceUrl = trace === undefined ? {} : { traceUrl: (traceId: string) => trace.replace('{traceId}', traceId) };
    const server = await serveInspector({
      store,
      name,
      port: Number(values.port),
      readOnly: values['read-only'],
      ...traceUrl,
    });
    printLine(`The inspector is at ${server.url}\nCtrl-C ends it.`);
    await once(process, 'SIGINT');
    await server.close();
    return exitStatus.fine;
  });
}
