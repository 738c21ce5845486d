// All rows of the table of losses, in its order.
import { failovers } from './failover.js';
import { frozenMasters } from './frozen-master.js';
import { fullMemory } from './full-memory.js';
import { restarts } from './restart.js';
import type { Row } from './row.js';

export const rows: readonly Row[] = [...restarts, ...fullMemory, ...failovers, ...frozenMasters];
