// npm run demo [-- arguments]: installs and builds what is missing, then runs the demo.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { become, build, install, root } from './workspace.mjs';

install();
build();
const tsx = createRequire(join(root, 'examples', 'package.json')).resolve('tsx');
const program = join('examples', 'demo', 'main.ts');
become(process.execPath, ['--import', pathToFileURL(tsx).href, program, ...process.argv.slice(2)]);
