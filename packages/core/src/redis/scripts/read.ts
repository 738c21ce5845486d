// Reading a record, for people and tools.
import { script } from '../script.js';
import { opened, steps, toldWithSteps } from './record.js';

/**
 * KEYS: 1 record, 2 beside it. ARGV: none.
 * Reply: now and `absent`, or `found record bytes (step value)…`.
 */
export const readScript = script(`
${opened}
if not live then return { now, 'absent' } end
${steps}${toldWithSteps('found')}
return reply
`);
