// The Lua script of each verb.
import { acquireScript } from './acquire-script.js';
import { checkpointScript } from './checkpoint-script.js';
import { completeScript } from './complete-script.js';
import { listScript } from './list-script.js';
import { readScript } from './read-script.js';
import { releaseScript } from './release-script.js';
import { removeScript } from './remove-script.js';
import { renewScript } from './renew-script.js';
import { resolveScript } from './resolve-script.js';

export const scripts = Object.freeze({
  acquire: acquireScript,
  renew: renewScript,
  checkpoint: checkpointScript,
  complete: completeScript,
  release: releaseScript,
  resolve: resolveScript,
  remove: removeScript,
  read: readScript,
  list: listScript,
});

export type Verb = keyof typeof scripts;
