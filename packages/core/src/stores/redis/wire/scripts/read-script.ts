// Reading a record, for people and tools.
import { defineScript } from '../lua-script.js';
import { loadRecord, loadSteps, replyRecordWithSteps } from './record-fragments.js';

/**
 * KEYS: 1 record, 2 beside it. ARGV: none.
 * Reply: now and `absent`, or `found record bytes (step value)…`.
 */
export const readScript = defineScript(`
${loadRecord}
if not live then return { now, 'absent' } end
${loadSteps}${replyRecordWithSteps('found')}
return reply
`);
