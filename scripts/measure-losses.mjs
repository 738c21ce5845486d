// npm run measure:losses [-- --sql]: installs and builds what is missing, then measures what each setting of Redis, or of
// PostgreSQL, loses to faults.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
// One row is measured with options that the store warns of.
await becomeProgram('test', 'measure/losses/main.ts', { flags: ['--no-warnings'] });
