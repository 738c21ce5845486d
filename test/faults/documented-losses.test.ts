// The losses that docs/guarantees.md lists: its rows are those that are measured, and those of Redis are measured again where they are
// certain, as a smaller `npm run measure:losses`.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lossRows } from '../measure/losses/all-loss-rows.js';
import type { Losses } from '../measure/losses/counted-operations.js';
import { sqlLossRows } from '../measure/losses/sql-loss-rows.js';

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

describe('The page about guarantees has every measured row, and no other', () => {
  it('of Redis', () => {
    expect(rowsOf('What each Redis setting protects', 2)).toEqual(
      lossRows.map(({ setting, fault }) => `${setting} | ${fault}`),
    );
  });

  it('of PostgreSQL', () => {
    const labels = { lease: 'a lease', transaction: 'transaction' };
    expect(rowsOf('What PostgreSQL loses', 3)).toEqual(
      sqlLossRows.map(({ mode, setting, fault }) => `${labels[mode]} | ${setting} | ${fault}`),
    );
  });
});

/** The first columns of the table in this section. */
function rowsOf(title: string, columns: number): string[] {
  const page = readFileSync(new URL('../../docs/guarantees.md', import.meta.url), 'utf8').replaceAll('`', '');
  const [, section = ''] = page.split(`## ${title}\n`);
  const [, , ...lines] = section.split('\n## ', 1)[0]?.match(/^\|.*\|$/gm) ?? [];
  const cellsOf = (line: string) => line.split('|').slice(1, columns + 1);
  return lines.map((line) =>
    cellsOf(line)
      .map((cell) => cell.trim())
      .join(' | '),
  );
}

function shareOf({ acknowledged, runAgain }: Losses): string {
  if (runAgain === 0) return 'none';
  return runAgain === acknowledged ? 'all' : 'some';
}
