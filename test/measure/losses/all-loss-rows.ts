// All rows of the table of losses, in its order.
import { failovers } from './failover.js';
import { frozenMasters } from './frozen-master.js';
import { fullMemory } from './full-memory.js';
import type { LossRow } from './loss-row.js';
import { restarts } from './restart.js';

export const lossRows: readonly LossRow[] = [...restarts, ...fullMemory, ...failovers, ...frozenMasters];
