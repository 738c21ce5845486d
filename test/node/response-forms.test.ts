// Every way to write a response, plain and captured: the client gets the same bytes, and the handler sees the same effects.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureResponse } from '../../packages/core/src/node/index.js';
import { headForms } from '../../packages/testing/src/adapter-suite/node-forms/head-forms.js';
import {
  corkForms,
  endForms,
  type ResponseForm,
  writeForms,
} from '../../packages/testing/src/adapter-suite/node-forms/response-forms.js';
import { handlerMistakes } from './support/handler-mistakes.js';
import { listen, type RawServer, requestText } from './support/raw-http.js';

const groups = { ending: endForms, writing: writeForms, heads: headForms, mistakes: handlerMistakes };
const requests = {
  'HTTP/1.1': requestText('POST'),
  'HTTP/1.0': requestText('POST', '1.0', []),
  HEAD: requestText('HEAD'),
};

let wire: RawServer;
let form: ResponseForm;
let isCaptured = false;
let notes: string[];
let handled: Promise<void>;

async function respond(res: ServerResponse): Promise<void> {
  const capture = isCaptured ? captureResponse(res.req, res, { maxOutcomeBytes: 200_000 }) : undefined;
  void capture?.ended.then(() => capture.send());
  await form(res, (what) => notes.push(what));
}

async function ask(text: string, captured: boolean) {
  isCaptured = captured;
  notes = [];
  const got = await wire.exchange(text);
  await handled;
  return { ...got, body: got.body.toString('latin1'), notes: notes.sort() };
}

beforeAll(async () => {
  wire = await listen((_req, res) => {
    handled = respond(res);
    handled.catch(() => res.socket?.destroy());
  });
});
afterAll(() => wire.close());

for (const [group, forms] of Object.entries(groups)) {
  describe(`A captured response has the same bytes on the wire as a plain one (${group})`, () => {
    for (const [version, text] of Object.entries(requests)) {
      it.each(Object.keys(forms))(`${version}: %s`, async (name) => {
        form = forms[name] ?? (() => undefined);
        const plain = await ask(text, false);
        expect(await ask(text, true)).toEqual(plain);
      });
    }
  });
}

describe('A captured response ends after its last chunk', () => {
  for (const [version, text] of Object.entries(requests)) {
    it.each(Object.keys(corkForms))(`${version}: %s`, async (name) => {
      form = corkForms[name] ?? (() => undefined);
      const body = version === 'HEAD' ? '' : 'ab';
      expect(await ask(text, true)).toMatchObject({ statusLine: 'HTTP/1.1 200 OK', body, trailers: [] });
    });
  }
});
