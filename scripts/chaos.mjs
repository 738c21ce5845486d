// npm run chaos [-- arguments]: installs and builds what is missing, then runs faults of every kind against processes at work.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { become, build, install, root } from './workspace.mjs';

install();
build();
const tsx = createRequire(join(root, 'test', 'package.json')).resolve('tsx');
const program = join('test', 'chaos', 'main.ts');
become(process.execPath, ['--import', pathToFileURL(tsx).href, program, ...process.argv.slice(2)]);
