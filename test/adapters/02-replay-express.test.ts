// Requirement 2: responses given with Express' own methods are replayed unchanged.
import { createReadStream } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Request, Response } from 'express';
import { itReplays } from '../../packages/testing/src/adapter-suite/support/it-replays.js';
import { onEveryFramework } from './framework-matrix.js';
import { isExpress } from './registrations/express.js';

const file = fileURLToPath(import.meta.url);

const forms: Record<string, (res: Response) => unknown> = {
  'res.json of an object': (res) => res.json({ id: 7, name: 'Zoë', nested: [null, true] }),
  'res.json of null': (res) => res.json(null),
  'res.json of a string': (res) => res.json('paid'),
  'res.jsonp': (res) => res.jsonp({ id: 7 }),
  'res.send of a string': (res) => res.send('<p>hé</p>'),
  'res.send of an empty string': (res) => res.send(''),
  'res.send of a Buffer': (res) => res.send(Buffer.from([0, 255, 128, 10])),
  'res.send of an empty Buffer': (res) => res.send(Buffer.alloc(0)),
  'res.send of an object': (res) => res.status(201).send({ id: 7 }),
  'res.send of nothing': (res) => res.send(),
  'res.send of null': (res) => res.send(null),
  'res.status(204).end()': (res) => res.status(204).end(),
  'res.status(204).send(body)': (res) => res.status(204).send('dropped'),
  'res.sendStatus(200)': (res) => res.sendStatus(200),
  'res.sendStatus(204)': (res) => res.sendStatus(204),
  'res.sendStatus(402)': (res) => res.sendStatus(402),
  'res.end alone': (res) => res.end(),
  'res.write and res.end': (res) => {
    res.type('text').write('hé', 'latin1');
    res.write('eHl6', 'base64');
    res.end('!');
  },
  'a piped file': (res) => createReadStream(file).pipe(res.type('text')),
  'res.sendFile': (res) => res.sendFile(basename(file), { root: dirname(file) }),
  'res.download': (res) => res.download(basename(file), 'source.txt', { root: dirname(file) }),
  'res.redirect': (res) => res.redirect(303, '/receipts/7'),
  'res.location': (res) => res.status(201).location('/payments/7').json({ id: 7 }),
  'res.format': (res) => res.format({ json: () => res.json({ id: 7 }), text: () => res.send('7') }),
  'res.append of several values': (res) => res.append('Link', '<a>').append('Link', ['<b>', '<c>']).send('x'),
  'res.cookie': (res) => res.cookie('a', '1').cookie('b', '2').send('x'),
  'res.vary and res.links': (res) => res.vary('Accept').links({ next: '/2' }).send('x'),
  'res.attachment': (res) => res.attachment('a.csv').send('a,b'),
  'a status message': (res) => {
    res.statusMessage = 'Paid In Full';
    res.status(201).json({ id: 7 });
  },
};

onEveryFramework(
  'A replay has the status, reason phrase, bytes and headers of a response given with',
  (testbed) => {
    for (const [title, form] of Object.entries(forms)) {
      itReplays(testbed, title, ({ native }) => {
        form((native as Request & { res: Response }).res);
        return 'native';
      });
    }
  },
  { only: isExpress },
);
