// The Express program of docs/guides/uploads.md. What is between the marks is an exact copy: change both.
import { authenticateExpress as authenticate, store } from '../application.js';

const photos: string[] = [];

// #region snippet

import { createHash } from 'node:crypto';
import { idempotency } from '@onceguard/express';
import express, { type Request } from 'express';
import multer from 'multer';

/** The fields as they are, each file by its field and a digest of its bytes. */
function partsOf(req: Request): string {
  const files = Array.isArray(req.files) ? req.files : [];
  const digests = files.map(({ fieldname, buffer }) => [fieldname, createHash('sha256').update(buffer).digest('hex')]);
  return JSON.stringify([Object.entries(req.body), digests]);
}

const app = express();
const upload = multer({ limits: { fileSize: 5_000_000 } });
app.post(
  '/photos',
  authenticate,
  upload.array('photo', 3),
  idempotency({ store, scope: (req) => req.user.id, fingerprint: partsOf }),
  (req, res) => {
    res.status(201).json({ id: photos.push(req.body.title) });
  },
);

// #endregion

export { app, photos };
