// Requirement 2: responses written with Node's own methods are replayed unchanged.
import { headForms } from '../node/support/head-forms.js';
import { endForms, writeForms } from '../node/support/response-forms.js';
import { itReplays } from './02-it-replays.js';
import { onEveryFramework } from './framework-matrix.js';

const forms = Object.entries({ ...endForms, ...writeForms, ...headForms });

onEveryFramework('A replay has the status, reason phrase, bytes and headers of a response given with', (testbed) => {
  for (const [title, form] of forms) {
    // Koa sends the replay itself and cannot set an empty reason phrase: the standard phrase is sent.
    if (testbed.framework.family === 'koa' && title === 'writeHead(status, empty reason)') continue;
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
});
