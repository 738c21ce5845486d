// npm run chaos:transactions [-- --kills 1000 --seed 1 --mode transaction]: installs and builds what is missing, then kills processes and a
// PostgreSQL while payments are made.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
await becomeProgram('test', 'transactions/main.ts');
