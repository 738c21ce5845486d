// npm run fuzz [-- arguments]: installs and builds what is missing, then compares random inputs with independent judges.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
await becomeProgram('test', 'fuzz/main.ts');
