// Doubts: the inbox of work whose outcome nobody knows.
import type { Doubt } from '@onceguard/core';
import { useState } from 'preact/hooks';
import type { DoubtsReply } from '../src/api-types.js';
import { DecideButtons } from './decide.js';
import { useCall } from './hooks.js';
import { formatDuration, Time } from './time.js';
import { Copyable, Empty, Field, Loading, Notice, valuesOf } from './ui.js';

const ages = [
  ['', 'any age'],
  ['60000', 'a minute'],
  ['600000', '10 minutes'],
  ['3600000', 'an hour'],
  ['86400000', 'a day'],
] as const;

export function DoubtsView({ readOnly }: { readOnly: boolean }) {
  const [filter, setFilter] = useState<object>({});
  const [cursor, setCursor] = useState<string | null>(null);
  const [message, setMessage] = useState<string | null>(null);
  const { reply, error, reload } = useCall<DoubtsReply>('doubts', { ...filter, cursor }, 10_000);
  const apply = (event: SubmitEvent) => {
    event.preventDefault();
    const { olderThanMs, ...words } = valuesOf(event.currentTarget as HTMLFormElement);
    setCursor(null);
    setFilter({ ...words, ...(olderThanMs && { olderThanMs: Number(olderThanMs) }) });
  };
  const decided = (text: string) => {
    setMessage(text);
    reload();
  };
  return (
    <>
      <h1>Doubts</h1>
      <p class="muted">Work that began and has no outcome. Find out at the provider what happened, then decide.</p>
      <form class="filters" onSubmit={apply} aria-label="Filter">
        <Field name="operation" label="Operation" placeholder="any" />
        <Field name="label" label="Label" placeholder="any" />
        <div class="field">
          <label for="older">At least</label>
          <select id="older" name="olderThanMs">
            {ages.map(([ms, title]) => (
              <option key={ms} value={ms}>
                {title}
              </option>
            ))}
          </select>
        </div>
        <button type="submit">Filter</button>
      </form>
      {message && <Notice kind="good">{message}</Notice>}
      {error && <Notice kind="error">{error}</Notice>}
      {reply === null ? !error && <Loading /> : <Inbox reply={reply} readOnly={readOnly} onDecided={decided} />}
      {reply?.cursor && (
        <button type="button" onClick={() => setCursor(reply.cursor)}>
          Next page
        </button>
      )}
    </>
  );
}

function Inbox({
  reply,
  readOnly,
  onDecided,
}: {
  reply: DoubtsReply;
  readOnly: boolean;
  onDecided: (text: string) => void;
}) {
  const { doubts, skipped, cursor, now } = reply;
  const open = [...doubts].sort((a, b) => a.acquiredAt - b.acquiredAt);
  return (
    <>
      {skipped > 0 && (
        <Notice kind="warning">
          {skipped} records cannot be read. Nobody knows whether they are in doubt: they are damaged, of a newer
          version, or of another application.
        </Notice>
      )}
      {open.length === 0 && cursor === null && (
        <Empty title="Nothing to decide">
          Every piece of work on record has an outcome, or may simply be repeated.
        </Empty>
      )}
      <ul class="cards">
        {open.map((doubt) => (
          <li key={doubt.recordName}>
            <DoubtCard doubt={doubt} now={now} readOnly={readOnly} onDecided={onDecided} />
          </li>
        ))}
      </ul>
    </>
  );
}

function DoubtCard({
  doubt,
  now,
  readOnly,
  onDecided,
}: {
  doubt: Doubt;
  now: number;
  readOnly: boolean;
  onDecided: (text: string) => void;
}) {
  const { recordName, operation, label, state, attempt, recordedSteps, stepsInDoubt, acquiredAt, decisions } = doubt;
  return (
    <article class="card">
      <div class="title">
        <h2>
          <a href={`#/record/${recordName}`}>{operation}</a>
        </h2>
        {label !== null && <span class="label">{label}</span>}
        <span class="age">in doubt for {formatDuration(now - acquiredAt)}</span>
      </div>
      <ul class="known">
        <li>
          {state === 'abandoned' ? 'The process that did it vanished.' : 'The attempt ended without a clear outcome.'}{' '}
          It was attempt {attempt}, which began <Time at={acquiredAt} inline />
        </li>
        {recordedSteps.length > 0 && <li>Done and on record: {recordedSteps.join(', ')}</li>}
        {stepsInDoubt.map(({ name, key }) => (
          <li key={name}>
            In doubt: <strong>{name}</strong>. Search for its key at the provider:{' '}
            <Copyable value={key} what={`the key of ${name}`} />
          </li>
        ))}
        {stepsInDoubt.length === 0 && (
          <li>
            No step is in doubt. <a href={`#/record/${recordName}`}>Its record</a> shows the key that the work passed
            on.
          </li>
        )}
        {decisions.length > 0 && (
          <li>Decided before: {decisions.map(({ by, reason }) => `${by}: “${reason}”`).join('; ')}</li>
        )}
      </ul>
      {!readOnly && <DecideButtons subject={doubt} onDecided={onDecided} />}
    </article>
  );
}
