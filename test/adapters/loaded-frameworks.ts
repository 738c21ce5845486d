// All wanted frameworks at once, for tests that serve them side by side.
import type { Framework } from '../../packages/testing/src/adapter-suite/framework.js';
import { loadFrameworks, wantedNames } from './frameworks.js';

const loaded = await loadFrameworks(wantedNames);

export const frameworks: readonly Framework[] = loaded.filter(({ transport }) => transport === 'HTTP/1');

/** The same over HTTP/2, by the compatibility API of node:http2. */
export const frameworksOverHttp2: readonly Framework[] = loaded.filter(({ transport }) => transport === 'HTTP/2');
