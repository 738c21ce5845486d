// A decision of a visitor, and what to say where it came too late.
import {
  type IdempotencyStore,
  lookup,
  type ResolveDoubtOptions,
  type ResolveDoubtReply,
  resolveDoubt,
} from '@onceguard/core';
import { encodeRecoveredResponse } from '@onceguard/core/http';
import { ApiError } from './api-error.js';
import type { DecideReply, DecideRequest } from './api-types.js';

export async function decide(store: IdempotencyStore, request: DecideRequest, by: string): Promise<DecideReply> {
  const { recordName, as, reason, fencingToken } = request;
  await assertOutcomeFits(store, request);
  const options = { as, by, reason, fencingToken, ...outcomeOption(request.repeatOutcome) };
  const reply = await resolveDoubt(store, recordName, options);
  if (reply.kind === 'ok') return { kind: 'decided', message: decidedMessage(as, request.repeatOutcome !== undefined) };
  return { kind: 'late', message: lateMessage(reply) };
}

/** A request cannot be sent the result of a function, nor a function the response to a request, and a decision stays. */
async function assertOutcomeFits(store: IdempotencyStore, { recordName, repeatOutcome }: DecideRequest): Promise<void> {
  if (repeatOutcome === undefined) return;
  const kind = (await lookup(store, recordName))?.kind ?? null;
  if (kind === 'request' && repeatOutcome.kind === 'result')
    throw new ApiError(400, 'This is the record of a request: give a response, not a result.');
  if (kind === 'function' && repeatOutcome.kind === 'response')
    throw new ApiError(400, 'This is the record of a function: give a result, not a response.');
}

function outcomeOption(repeatOutcome: DecideRequest['repeatOutcome']): Pick<ResolveDoubtOptions, 'result' | 'outcome'> {
  if (repeatOutcome === undefined) return {};
  if (repeatOutcome.kind === 'result') return { result: parseResult(repeatOutcome.json) };
  const { status, contentType, body } = repeatOutcome;
  return { outcome: encodeRecoveredResponse({ status, headers: { 'content-type': contentType }, body }) };
}

function parseResult(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new ApiError(400, `The result is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function decidedMessage(as: DecideRequest['as'], hasOutcome: boolean): string {
  if (as === 'not_done') return 'Decided: it did not happen. The next repeat runs the work.';
  return hasOutcome
    ? 'Decided: it happened. Every repeat gets your answer.'
    : 'Decided: it happened. A repeat is told that the work is done.';
}

/** One sentence for people. */
function lateMessage(reply: ResolveDoubtReply): string {
  if (reply.kind !== 'conflict') return 'The record is gone. Nothing was changed.';
  const { decision, standing } = reply;
  if (decision !== null) {
    const what = decision.as === 'done' ? 'it happened' : 'it did not happen';
    return `${decision.by} was first, at ${new Date(decision.at).toISOString()}, and decided that ${what}: “${decision.reason}”. Your decision was not recorded.`;
  }
  return `It is not in doubt any more: it is ${standing.kind.replaceAll('_', ' ')}. Your decision was not recorded.`;
}
