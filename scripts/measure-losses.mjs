// npm run measure:losses: installs and builds what is missing, then measures what each setting of Redis loses to faults.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { become, build, install, root } from './workspace.mjs';

install();
build();
const tsx = createRequire(join(root, 'test', 'package.json')).resolve('tsx');
const program = join('test', 'measure', 'losses', 'main.ts');
// One row is measured with options that the store warns of.
become(process.execPath, ['--no-warnings', '--import', pathToFileURL(tsx).href, program]);
