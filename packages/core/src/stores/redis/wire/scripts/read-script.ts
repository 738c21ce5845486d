// The Lua script of `read`, for people and tools.
import { defineScript } from '../lua-script.js';
import { loadRecord, loadSteps, replyRecordWithSteps } from './record-fragments.js';

/**
 * ARGV: none.
 * Reply: now, then `absent`, or `found record outcome (step value)…`.
 */
export const readScript = defineScript(`
${loadRecord}
if not live then return { now, 'absent' } end
${loadSteps}${replyRecordWithSteps('found')}
return reply
`);
