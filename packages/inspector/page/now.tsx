// Now: what this process did since it started, what is under way, and how the store is.

import type { OutcomeCounts } from '../src/activity-series.js';
import type { FindingReply, InFlightWork, NowReply } from '../src/api-types.js';
import { Chart, outcomes } from './chart.js';
import { useCall, useNow } from './hooks.js';
import { formatDuration, formatRelative, Time } from './time.js';
import { Empty, Loading, Notice } from './ui.js';

export function NowView() {
  const { reply, error } = useCall<NowReply>('now', {}, 2_000);
  return (
    <>
      <h1>Now</h1>
      {error && <Notice kind="error">{error}</Notice>}
      {reply === null ? !error && <Loading /> : <Live reply={reply} />}
    </>
  );
}

function Live({ reply }: { reply: NowReply }) {
  return (
    <>
      <p class="muted">
        What this process did since <Time at={reply.since} inline />. Other processes have pages of their own.
      </p>
      <Tiles reply={reply} />
      <section aria-labelledby="requests">
        <h2 id="requests">Requests and calls</h2>
        <Chart series={reply.series} pointMs={reply.pointMs} />
        <Operations operations={reply.operations} />
      </section>
      <div class="columns">
        <section aria-labelledby="in-flight">
          <h2 id="in-flight">In flight</h2>
          <InFlightList works={reply.inFlight} count={reply.inFlightCount} />
        </section>
        <section aria-labelledby="problems">
          <h2 id="problems">What went wrong last</h2>
          <Problems problems={reply.problems} />
        </section>
      </div>
      <section aria-labelledby="findings">
        <h2 id="findings">Check of the store</h2>
        <Findings findings={reply.findings} />
      </section>
    </>
  );
}

function Tiles({ reply }: { reply: NowReply }) {
  const { doubts, moreDoubts, inFlightCount, pendingResults, drained } = reply;
  const pending = Math.max(pendingResults, drained ? 0 : 1);
  return (
    <dl class="tiles">
      <div class={doubts ? 'tile bad' : 'tile'}>
        <dt>To decide</dt>
        <dd>
          <a class="number" href="#/doubts">
            {doubts ?? '?'}
            {moreDoubts && '+'}
          </a>
          <span>{doubts === 0 ? 'nothing in doubt' : 'outcomes in doubt'}</span>
        </dd>
      </div>
      <div class="tile">
        <dt>In flight</dt>
        <dd>
          <span class="number">{inFlightCount}</span>
          <span>attempts at work here</span>
        </dd>
      </div>
      <div class={pending > 0 ? 'tile warn' : 'tile'}>
        <dt>Pending results</dt>
        <dd>
          <span class="number">{pending}</span>
          <span>{pending > 0 ? 'not on record yet' : 'everything is on record'}</span>
        </dd>
      </div>
      <StoreTile reply={reply} />
    </dl>
  );
}

function StoreTile({ reply }: { reply: NowReply }) {
  const { word, note, isBad } = describeStore(reply);
  return (
    <div class={isBad ? 'tile bad' : 'tile'}>
      <dt>Store</dt>
      <dd>
        <span class="number word">{word}</span>
        <span>{note}</span>
      </dd>
    </div>
  );
}

/** A store without a connection of its own to watch has its check, and one in memory neither. */
function describeStore({ health, findings, now }: NowReply): { word: string; note: string; isBad: boolean } {
  if (health !== null) {
    const note = health.lastError ?? `since ${formatRelative(health.since, now)}`;
    return { word: health.state.replace('_', ' '), note, isBad: health.state !== 'ready' };
  }
  if (findings === null) return { word: 'In memory', note: 'of this process', isBad: false };
  const isBad = findings.some(({ severity }) => severity === 'error');
  return isBad
    ? { word: 'not fit', note: 'see the check below', isBad }
    : { word: 'ready', note: 'when it was checked last', isBad };
}

function Operations({ operations }: Pick<NowReply, 'operations'>) {
  if (operations.length === 0) {
    return (
      <Empty title="No requests yet">Send one with an idempotency key, and it appears here within two seconds.</Empty>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on narrow screens, so the keyboard must reach it
    <section class="scroll" aria-label="Outcomes by operation" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Operation</th>
            {outcomes.map(([name, title, meaning]) => (
              <th key={name} scope="col" class="number" title={meaning}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {operations.map(({ operation, counts }) => (
            <tr key={operation}>
              <th scope="row">{operation || 'unnamed'}</th>
              {outcomes.map(([name]) => (
                <Count key={name} counts={counts} name={name} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Count({ counts, name }: { counts: OutcomeCounts; name: keyof OutcomeCounts }) {
  const isBad = name === 'unknown' && counts[name] > 0;
  return <td class={`number ${counts[name] === 0 ? 'zero' : ''} ${isBad ? 'bad' : ''}`}>{counts[name]}</td>;
}

function InFlightList({ works, count }: { works: readonly InFlightWork[]; count: number }) {
  const now = useNow(1_000);
  if (works.length === 0) return <p class="muted">Nothing is at work in this process.</p>;
  return (
    <ul class="list">
      {works.map(({ recordName, operation, attempt, since, leaseEndAt }) => (
        <li key={recordName}>
          <a href={`#/record/${recordName}`}>{operation || recordName}</a>
          <span class="muted">
            attempt {attempt}, for {formatDuration(now - since)}
            {leaseEndAt !== null && `, lease for ${formatDuration(leaseEndAt - now)} more`}
          </span>
        </li>
      ))}
      {count > works.length && <li class="muted">and {count - works.length} more</li>}
    </ul>
  );
}

function Problems({ problems }: Pick<NowReply, 'problems'>) {
  if (problems.length === 0) return <p class="muted">Nothing since this process started.</p>;
  return (
    <ul class="list">
      {problems.map(({ at, text, recordName, operation }, index) => (
        <li key={`${at} ${index}`}>
          <span>
            {recordName !== null && <a href={`#/record/${recordName}`}>{operation || 'A record'}</a>} {text}
          </span>
          <Time at={at} />
        </li>
      ))}
    </ul>
  );
}

const severities = { error: 'Error', warning: 'Warning', info: 'Good to know' } as const;

function Findings({ findings }: { findings: readonly FindingReply[] | null }) {
  if (findings === null) return <p class="muted">This store has no check of its own.</p>;
  if (findings.length === 0) return <p class="muted">Nothing to say: the store is fit to keep records.</p>;
  return (
    <ul class="list">
      {findings.map(({ code, severity, server, message, remedy }) => (
        <li key={`${code} ${server}`}>
          <p>
            <span class={`badge ${severity}`}>{severities[severity]}</span> <code>{code}</code>{' '}
            <span class="muted">{server}</span>
          </p>
          <p>{message}</p>
          <p class="muted">→ {remedy}</p>
        </li>
      ))}
    </ul>
  );
}
