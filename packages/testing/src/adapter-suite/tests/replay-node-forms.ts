// Requirement 2: responses written with Node's own methods are replayed unchanged.

import type { AdapterTests, Testbed } from '../adapter-tests.js';
import type { Capability } from '../capabilities.js';
import { headForms } from '../node-forms/head-forms.js';
import { endForms, writeForms } from '../node-forms/response-forms.js';
import { itReplays } from '../support/it-replays.js';

/** What a framework needs for some of the forms. */
const needs: Readonly<Record<string, readonly Capability[]>> = {
  'writeHead(status, reason)': ['reasonPhrases'],
  'writeHead(status, reason, headers)': ['reasonPhrases'],
  'writeHead(status, empty reason)': ['emptyReasonPhrases'],
  trailers: ['trailers'],
  'trailers after an empty body': ['trailers', 'trailersWithoutBody'],
  'trailers after Content-Length was excluded': ['trailers'],
  'trailers as pairs, after the announcement of one': ['trailers'],
};
const needsOf = (title: string): readonly Capability[] => needs[title] ?? [];

const forms = Object.entries({ ...endForms, ...writeForms, ...headForms });

export function replayNodeFormsTests(suite: AdapterTests): void {
  suite.group('A replay has the status, reason phrase, bytes and headers of a response given with', tests, {
    needs: ['raw'],
  });
}

function tests(testbed: Testbed): void {
  for (const [title, form] of forms) {
    if (!testbed.has(...needsOf(title))) continue;
    // Over HTTP/2 setHeader() returns undefined: this form throws, and its Content-Length does not fit the error page.
    if (testbed.framework.transport === 'HTTP/2' && title === 'Content-Length') continue;
    itReplays(testbed, title, async ({ res }) => {
      // Koa's default status is 404.
      res.statusCode = 200;
      try {
        await form(res, () => {});
      } catch (error) {
        // Some forms are rejected by this version of Node. Without this catch the response would contain the stack
        // trace.
        res.end(String(error));
      }
      return 'raw' as const;
    });
  }
}
