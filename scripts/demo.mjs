// npm run demo [-- arguments]: installs and builds what is missing, then runs the demo of the command line.
import { join } from 'node:path';
import { become, root } from './processes.mjs';
import { prepare } from './workspace.mjs';

await prepare();
const program = join(root, 'packages', 'cli', 'bin', 'onceguard.js');
await become(process.execPath, [program, 'demo', ...process.argv.slice(2)]);
