// npm run measure:losses: installs and builds what is missing, then measures what each setting of Redis loses to faults.
import { becomeProgram, prepare } from './workspace.mjs';

await prepare();
// One row is measured with options that the store warns of.
await becomeProgram('test', 'measure/losses/main.ts', { flags: ['--no-warnings'], args: [] });
