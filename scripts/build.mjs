// npm run build: installs what is missing and compiles all packages.
import { build, install } from './workspace.mjs';

install();
build();
