// A program of docs/errors.md. What is between the marks is an exact copy: change both.
import { log } from '../application.js';

// #region snippet

import { subscribe } from 'node:diagnostics_channel';

subscribe('onceguard:lease_lost', (event) => log.warn(event));

// #endregion
