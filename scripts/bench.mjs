// npm run bench [-- arguments]: installs and builds what is missing, then measures.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { become, build, install, root } from './workspace.mjs';

install();
build();
const tsx = createRequire(join(root, 'bench', 'package.json')).resolve('tsx');
const program = join('bench', 'main.ts');
// The Redis of the benchmark keeps nothing on disk, and the store warns of that.
become(process.execPath, ['--no-warnings', '--import', pathToFileURL(tsx).href, program, ...process.argv.slice(2)]);
