// npm run chaos [-- arguments]: installs and builds what is missing, then runs faults of every kind against processes at work.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
await becomeProgram('test', 'chaos/main.ts');
