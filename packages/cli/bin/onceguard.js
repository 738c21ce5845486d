#!/usr/bin/env node
// The command `onceguard`. It is not compiled, so that package managers can link it in a workspace that is not built yet.
import { main } from '../dist/esm/index.js';

// What the library would warn of is shown by the commands themselves.
process.removeAllListeners('warning');
// The client of Redis prints there what the error of the command says as well.
console.warn = () => {};
// A process that ends before its command has finished must not report success.
process.exitCode = 1;
process.exitCode = await main(process.argv.slice(2));
