// A program of docs/errors.md. What is between the marks is an exact copy: change both.
import { log } from '../application.js';

// #region snippet

import { onEvent } from '@onceguard/core';

const stop = onEvent('lease_lost', ({ recordName, attempt, reason }) => log.warn({ recordName, attempt, reason }));

// #endregion

export { stop };
