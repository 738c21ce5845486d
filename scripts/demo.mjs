// npm run demo [-- arguments]: installs and builds what is missing, then runs the demo.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
await becomeProgram('examples', 'demo/main.ts');
