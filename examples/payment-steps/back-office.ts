// The other systems of the shop: a warehouse that honours keys, and a mailer that does not but keeps a log.
import express from 'express';
import { listen, type RunningServer } from './listen.js';

export interface Entry {
  readonly kind: 'reservations' | 'shipments' | 'mails';
  readonly id: string;
  readonly order: string;
  readonly key?: string | undefined;
}

export async function startBackOffice(port = 0): Promise<RunningServer> {
  const entries: Entry[] = [];
  const app = express();
  app.use(express.json());

  app.post(['/reservations', '/shipments'], (req, res) => {
    const kind = req.path === '/shipments' ? 'shipments' : 'reservations';
    const key = req.get('Idempotency-Key');
    const known = entries.find((entry) => entry.kind === kind && entry.key === key);
    const entry = known ?? { kind, id: `${kind}-${entries.length + 1}`, order: req.body.order, key };
    if (known === undefined) entries.push(entry);
    res.status(201).json(entry);
  });

  // Two calls send two mails.
  app.post('/mails', (req, res) => {
    const mail: Entry = { kind: 'mails', id: `mails-${entries.length + 1}`, order: req.body.order };
    entries.push(mail);
    res.status(201).json(mail);
  });

  app.get('/:kind', (req, res) => {
    res.json(entries.filter(({ kind, order }) => kind === req.params.kind && order === req.query.order));
  });

  return await listen(app, port);
}
