// A program of docs/operations.md. What is between the marks is an exact copy: change both.
import { store } from '../application.js';

// #region snippet

import { watchDoubts } from '@onceguard/core';

const watch = watchDoubts(store); // { intervalMs: 5_000 }; watch.stop() ends it

// #endregion

export { watch };
