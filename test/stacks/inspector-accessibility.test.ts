// The inspector for everybody: axe-core finds nothing, in light and dark, on a phone and on a desk.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InspectorTestbed, openInspector, startWork } from '../inspector/inspector-testbed.js';
import { type InspectorBrowser, openBrowser } from './inspector-browser.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: InspectorBrowser;
let testbed: InspectorTestbed;
let endWork: () => Promise<unknown>;

beforeAll(async () => {
  browser = await openBrowser();
  testbed = await openInspector({ traceUrl: (id) => `https://traces.example/${id}` });
  endWork = await startWork(testbed.store);
  await testbed.pay('order-17', { amount: 20, order: 'A-17' });
  await testbed.pay('order-17', { amount: 21, order: 'A-17' });
  await testbed.leaveDoubt('order-18');
});

afterAll(async () => {
  await browser.close();
  await endWork();
  await testbed.close();
});

const schemes = ['light', 'dark'] as const;
const widths = [360, 1400] as const;
const looks = schemes.flatMap((colorScheme) => widths.map((width) => ({ colorScheme, width })));

describe.each(looks)('In $colorScheme, $width px wide', ({ colorScheme, width }) => {
  const options = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true };

  test.each<[string, () => string, string]>([
    ['Now', () => 'now', 'nightly-settlement'],
    ['Find', () => 'find', 'Find the record'],
    ['Doubts', () => 'doubts', 'order order-18'],
    ['a record', () => `record/${testbed.nameOf('order-17')}`, 'A-17'],
    ['a record in doubt', () => `record/${testbed.nameOf('order-18')}`, 'Outcome unknown'],
    ['a decision', () => `record/${testbed.nameOf('order-18')}`, 'It happened …'],
  ])('%s has no violation and no text beyond its edge', async (view, route, text) => {
    const page = await browser.visit(`${testbed.url}#/${route()}`, 'ada', options);
    await page.getByText(text).first().waitFor();
    if (view === 'a decision') {
      await page.getByRole('button', { name: text }).click();
      await page.getByRole('combobox', { name: 'Answer for repeats' }).selectOption('response');
    }
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const { axe: checker } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
      const found = await checker.run();
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    });
    expect(violations).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });
});

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}
