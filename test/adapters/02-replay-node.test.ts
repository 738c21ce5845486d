// Must hold, 2: what is written with Node's own methods is replayed as it was.
import { endForms, headForms, writeForms } from '../node/support/response-forms.js';
import { itReplays } from './02-it-replays.js';
import { onEveryFramework } from './framework-matrix.js';

const forms = Object.entries({ ...endForms, ...writeForms, ...headForms });

onEveryFramework('A replay has status, reason phrase, bytes and headers of an answer given with', (world) => {
  for (const [title, form] of forms) {
    // Koa replays in its own way, which has no word for it: the usual phrase goes out.
    if (world.framework.family === 'koa' && title === 'writeHead(status, empty reason)') continue;
    // Over HTTP/2 setHeader() gives nothing back: the form fails, with a length that is not that of the error.
    if (world.framework.transport === 'HTTP/2' && title === 'Content-Length') continue;
    itReplays(world, title, async ({ res }) => {
      // Koa begins with 404.
      res.statusCode = 200;
      try {
        await form(res, () => {});
      } catch (error) {
        // What this version of Node refuses; elsewhere the stack would be in the answer.
        res.end(String(error));
      }
      return 'raw' as const;
    });
  }
});
