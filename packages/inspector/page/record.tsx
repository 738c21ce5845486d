// One record: its state in words, its timeline, its contents, and what may be done about it.
import type { RecordJson } from '@onceguard/core';
import { useState } from 'preact/hooks';
import type { RecordReply } from '../src/api-types.js';
import { call, messageOf } from './call.js';
import { Outcome, Steps } from './contents.js';
import { DecideButtons } from './decide.js';
import { DerivedKey } from './derived-key.js';
import { useCall } from './hooks.js';
import { formatDuration, Time } from './time.js';
import { Timeline } from './timeline.js';
import { Copyable, Fact, Loading, Notice, StateBadge } from './ui.js';

export function RecordPage({ recordName, readOnly }: { recordName: string; readOnly: boolean }) {
  const { reply, error, reload } = useCall<RecordReply>('find', { recordName });
  const [revealed, setRevealed] = useState<RecordReply | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const reveal = () =>
    void call<RecordReply>('reveal', { recordName }).then(setRevealed, (failure: unknown) =>
      setProblem(messageOf(failure)),
    );
  const refresh = () => {
    setRevealed(null);
    reload();
  };
  const shown = revealed ?? reply;
  if (shown === null) {
    return (
      <>
        <h1>Record</h1>
        {error ? <Notice kind="error">{error}</Notice> : <Loading />}
      </>
    );
  }
  const { record, traceUrl, masked } = shown;
  return (
    <article>
      <p class="crumb">Record</p>
      <div class="title">
        <h1>{record.operation || 'Removed record'}</h1>
        <StateBadge state={record.state} />
      </div>
      <p class="lead">{record.meaning}</p>
      {(error ?? problem) && <Notice kind="error">{error ?? problem}</Notice>}
      {record.state === 'outcome_unknown' && !readOnly && <DecideButtons subject={record} onDecided={refresh} />}
      <div class="columns wide">
        <div>
          <section aria-labelledby="outcome">
            <h2 id="outcome">What repeats get</h2>
            <Outcome record={record} masked={masked} onReveal={reveal} />
          </section>
          <section aria-labelledby="steps">
            <h2 id="steps">Steps</h2>
            <Steps steps={record.steps} masked={masked} onReveal={reveal} />
          </section>
          {record.decisions.length > 0 && <Decisions record={record} />}
        </div>
        <div>
          <section aria-labelledby="timeline">
            <h2 id="timeline">Timeline</h2>
            <Timeline record={record} />
          </section>
          <section aria-labelledby="provider">
            <h2 id="provider">Key at the provider</h2>
            <DerivedKey recordName={record.recordName} />
          </section>
          <section aria-labelledby="facts">
            <h2 id="facts">Facts</h2>
            <Facts record={record} traceUrl={traceUrl} />
          </section>
        </div>
      </div>
    </article>
  );
}

function Facts({ record, traceUrl }: { record: RecordJson; traceUrl: string | null }) {
  const traceId = record.traceparent?.split('-')[1];
  return (
    <dl class="facts">
      <Fact name="Label">{record.label ?? <span class="muted">none</span>}</Fact>
      <Fact name="Attempts">
        <span class="number">{record.attempt}</span>
      </Fact>
      <Fact name="After a crash">
        {record.guarded ? 'nothing runs until somebody decides' : 'the next repeat runs the work again'}
      </Fact>
      <Fact name="Outcome kept for">{formatDuration(record.ttlMs)}</Fact>
      <Fact name="Trace">
        {traceId === undefined && <span class="muted">none</span>}
        {traceId !== undefined && traceUrl !== null && (
          <a href={traceUrl} rel="noreferrer" target="_blank">
            {traceId}
          </a>
        )}
        {traceId !== undefined && traceUrl === null && <Copyable value={traceId} what="the trace id" />}
      </Fact>
      <Fact name="Name">
        <Copyable value={record.recordName} what="the record’s name" />
      </Fact>
      <Fact name="Fencing token">
        <span class="number">{record.fencingToken}</span>
      </Fact>
    </dl>
  );
}

function Decisions({ record }: { record: RecordJson }) {
  return (
    <section aria-labelledby="decisions">
      <h2 id="decisions">Decisions</h2>
      <ul class="list">
        {record.decisions.map(({ fencingToken, as, by, reason, at }) => (
          <li key={fencingToken}>
            <span>
              <strong>{by}</strong> decided that it {as === 'done' ? 'happened' : 'did not happen'}: “{reason}”
            </span>
            <Time at={at} />
          </li>
        ))}
      </ul>
    </section>
  );
}
