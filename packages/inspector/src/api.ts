// The calls of the page: each takes JSON and a visitor, and uses the public functions of core alone.
import {
  deriveKeyFromRecordName,
  type IdempotencyStore,
  listDoubts,
  lookup,
  type RecordView,
  toRecordJson,
} from '@onceguard/core';
import type { Activity } from './activity.js';
import { ApiError } from './api-error.js';
import * as read from './api-input.js';
import type { DoubtsReply, RecordReply, SessionReply } from './api-types.js';
import { decide } from './decide.js';
import type { Visitor } from './options.js';
import { maskRecord, publishRevealed } from './reveal.js';
import { StoreState } from './store-state.js';

export { ApiError };

/** Answers one call of the page. Throws an `ApiError` with the sentence that the page shows. */
export type Api = (call: string, input: unknown, visitor: Required<Visitor>) => Promise<unknown>;

interface ApiContext {
  readonly store: IdempotencyStore;
  readonly activity: Activity;
  readonly traceUrl: ((traceId: string) => string) | null;
}

export function createApi(context: ApiContext): Api {
  const state = new StoreState(context.store, context.activity);
  return async (call, input, visitor) => {
    switch (call) {
      case 'session':
        return { ...visitor, store: context.store.name } satisfies SessionReply;
      case 'now':
        return await state.now();
      case 'find':
        return await find(context, input);
      case 'reveal':
        return await reveal(context, input, visitor);
      case 'derive':
        return { key: deriveKeyFromRecordName(read.text(input, 'recordName', 128), read.text(input, 'name', 200)) };
      case 'doubts':
        return await doubts(context, input);
      case 'decide':
        if (visitor.readOnly) throw new ApiError(403, 'You may look here, and not decide.');
        return await decide(context.store, read.decideRequest(input), visitor.name);
      default:
        throw new ApiError(404, 'The inspector has no such call.');
    }
  };
}

async function find(context: ApiContext, input: unknown): Promise<RecordReply> {
  return replyOf(context, await requireRecord(context, input), true);
}

async function reveal(context: ApiContext, input: unknown, visitor: Visitor): Promise<RecordReply> {
  const view = await requireRecord(context, { recordName: read.text(input, 'recordName', 128) });
  publishRevealed({ store: context.store.name, recordName: view.recordName, by: visitor.name });
  return replyOf(context, view, false);
}

async function requireRecord({ store }: ApiContext, input: unknown): Promise<RecordView> {
  const view = await lookup(store, read.findRequest(input));
  if (view !== null) return view;
  throw new ApiError(
    404,
    'No record. There was no such request or call, or its record has expired, or the words are not quite those of the application.',
  );
}

function replyOf({ traceUrl }: ApiContext, view: RecordView, masked: boolean): RecordReply {
  const json = toRecordJson(view);
  return { record: masked ? maskRecord(json) : json, traceUrl: linkTo(view.traceparent, traceUrl), masked };
}

/** Null: no trace, no function, or an address that is none of the web. */
function linkTo(traceparent: string | null, traceUrl: ApiContext['traceUrl']): string | null {
  const traceId = traceparent?.split('-')[1];
  if (traceId === undefined || traceUrl === null) return null;
  const url = traceUrl(traceId);
  return /^https?:\/\//i.test(url) ? url : null;
}

async function doubts({ store }: ApiContext, input: unknown): Promise<DoubtsReply> {
  const { cursor, ...filter } = read.doubtsRequest(input);
  const page = await listDoubts(store, { ...filter, cursor, limit: 500 });
  return { ...page, now: Date.now() };
}
