// What a record contains: the answer for repeats and the results of steps. Everything is shown as text.
import type { BodyJson, OutcomeJson, RecordJson, StepJson } from '@onceguard/core';
import { Copyable } from './ui.js';

interface Masking {
  readonly masked: boolean;
  onReveal(): void;
}

export function Outcome({ record, masked, onReveal }: { record: RecordJson } & Masking) {
  const { outcome, state } = record;
  if (outcome === null) return <p class="muted">{withoutOutcome[state] ?? 'There is no outcome on record.'}</p>;
  switch (outcome.kind) {
    case 'response':
      return <Response response={outcome} masked={masked} onReveal={onReveal} />;
    case 'result':
      return (
        <div class="response">
          <p class="status-line">The result of a function</p>
          {masked ? <Reveal what="the result" onReveal={onReveal} /> : <pre>{pretty(outcome.value)}</pre>}
        </div>
      );
    case 'error':
      return (
        <div class="response">
          <p class="status-line">
            A final error: <code>{outcome.name}</code>
          </p>
          {masked ? <Reveal what="the message" onReveal={onReveal} /> : <pre>{outcome.message}</pre>}
        </div>
      );
    case 'unreadable':
      return <p>The outcome cannot be read: {outcome.reason}</p>;
  }
}

const withoutOutcome: Partial<Record<RecordJson['state'], string>> = {
  in_progress: 'A repeat waits, or gets 409 in_progress with the time after which to try again.',
  outcome_unknown: 'A repeat gets 409 outcome_unknown, until somebody decides.',
  abandoned: 'The next repeat runs the work.',
  retryable: 'The next repeat runs the work.',
  expired: 'A repeat gets 410 expired: the work is done, its outcome is not kept.',
  removed: 'The next request with this key runs the work.',
};

function Response({ response, masked, onReveal }: { response: Extract<OutcomeJson, { kind: 'response' }> } & Masking) {
  const { status, reason, headers, body } = response;
  return (
    <div class="response">
      <p class="status-line">
        <span class={`status s${Math.floor(status / 100)}`}>{status}</span> {reason}
      </p>
      {headers.length > 0 && (
        <dl class="headers">
          {headers.map(([name, value], index) => (
            <div key={`${name} ${index}`}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {body.bytes === 0 && <p class="muted">No body.</p>}
      {body.bytes > 0 && masked && <Reveal what={`the body, ${formatBytes(body.bytes)}`} onReveal={onReveal} />}
      {body.bytes > 0 && !masked && <Body body={body} />}
    </div>
  );
}

function Body({ body }: { body: BodyJson }) {
  if ('text' in body) return <pre>{prettyText(body.text)}</pre>;
  return (
    <>
      <p class="muted">{formatBytes(body.bytes)} that are no text, as Base64:</p>
      <pre>{body.base64}</pre>
    </>
  );
}

function Reveal({ what, onReveal }: { what: string; onReveal: () => void }) {
  return (
    <p class="masked">
      <button type="button" onClick={onReveal}>
        Show {what}
      </button>
      <span class="hint">That you looked is published as an event.</span>
    </p>
  );
}

const stepWords: Readonly<Record<StepJson['state'], string>> = {
  done: 'Done',
  in_doubt: 'In doubt',
  not_done: 'Did not happen',
  unreadable: 'Unreadable',
};

export function Steps({ steps, masked, onReveal }: { steps: readonly StepJson[] } & Masking) {
  if (steps.length === 0) return <p class="muted">No steps are on record. Those of work that is done are not kept.</p>;
  return (
    <>
      <ol class="list steps">
        {steps.map(({ name, key, state, ...step }) => (
          <li key={name}>
            <p>
              <strong>{name}</strong> <span class={`badge step-${state}`}>{stepWords[state]}</span>
            </p>
            {'result' in step && <pre>{pretty(step.result)}</pre>}
            <p class="muted">
              Key at the provider: <Copyable value={key} what={`the key of ${name}`} />
            </p>
          </li>
        ))}
      </ol>
      {masked && steps.some(({ state }) => state === 'done') && (
        <Reveal what="the results of the steps" onReveal={onReveal} />
      )}
    </>
  );
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function prettyText(text: string): string {
  try {
    return pretty(JSON.parse(text));
  } catch {
    return text;
  }
}

function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
