// The losses of Redis that docs/guarantees.md lists, measured again where they are certain: a smaller `npm run
// measure:losses`.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lossRows } from '../measure/losses/all-loss-rows.js';
import type { Losses } from '../measure/losses/counted-operations.js';

const count = 60;

const certainRows = lossRows.filter(({ runAgain }) => runAgain !== undefined);

describe.concurrent('Of the acknowledged operations', () => {
  it.for(certainRows)('$runAgain run again: $setting; $fault', async ({ measure, runAgain }, test) => {
    const losses = await measure(count);
    test.expect(losses.acknowledged).toBeGreaterThan(0);
    test.expect(shareOf(losses), JSON.stringify(losses)).toBe(runAgain);
    test.expect(losses.outcomeGone).toBe(0);
  });
});

it('The page about guarantees has every measured row, and no other', () => {
  const page = readFileSync(new URL('../../docs/guarantees.md', import.meta.url), 'utf8').replaceAll('`', '');
  const [, section = ''] = page.split('## What each Redis setting protects');
  const [, , ...lines] = section.split('\n## ', 1)[0]?.match(/^\|.*\|$/gm) ?? [];
  const written = lines.map((line) => line.split('|').slice(1, 3).join('|').trim());
  expect(written).toEqual(lossRows.map(({ setting, fault }) => `${setting} | ${fault}`));
});

function shareOf({ acknowledged, runAgain }: Losses): string {
  if (runAgain === 0) return 'none';
  return runAgain === acknowledged ? 'all' : 'some';
}
