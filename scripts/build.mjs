// npm run build: installs what is missing and compiles all packages.
import { prepare } from './workspace.mjs';

await prepare();
