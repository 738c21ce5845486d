#!/usr/bin/env node
// The command `onceguard`. It is not compiled, so that package managers can link it in a workspace that is not built yet.
import '../dist/esm/cli/main.js';
