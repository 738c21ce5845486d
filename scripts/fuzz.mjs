// npm run fuzz [-- arguments]: installs and builds what is missing, then compares random inputs with independent judges.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { become, build, install, root } from './workspace.mjs';

install();
build();
const tsx = createRequire(join(root, 'test', 'package.json')).resolve('tsx');
const program = join('test', 'fuzz', 'main.ts');
become(process.execPath, ['--import', pathToFileURL(tsx).href, program, ...process.argv.slice(2)]);
