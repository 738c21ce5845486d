// Pages of the inspector in a real browser, each of its own visitor, and what went over the network.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { startChromium } from '../support/chromium.js';

export interface InspectorBrowser {
  /** Opens the page as this visitor. Everything that it requests and every script error is in `seen`. */
  visit(url: string, visitor: string, options?: BrowserContextOptions): Promise<Page>;
  readonly seen: { readonly requests: string[]; readonly errors: string[] };
  /** Closes the pages of a test, and forgets what was seen. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openBrowser(): Promise<InspectorBrowser> {
  const browser: Browser = await startChromium();
  const contexts: BrowserContext[] = [];
  const seen = { requests: [] as string[], errors: [] as string[] };
  return {
    seen,
    visit: async (url, visitor, options = {}) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      const { hostname } = new URL(url);
      await context.addCookies([{ name: 'user', value: visitor, domain: hostname, path: '/' }]);
      const page = await context.newPage();
      page.on('request', (request) => seen.requests.push(request.url()));
      page.on('pageerror', (error) => seen.errors.push(error.message));
      page.on('console', (message) => message.type() === 'error' && seen.errors.push(message.text()));
      await page.goto(url);
      return page;
    },
    reset: async () => {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
      seen.requests.length = 0;
      seen.errors.length = 0;
    },
    close: () => browser.close(),
  };
}
