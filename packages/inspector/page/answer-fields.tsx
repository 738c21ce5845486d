// What repeats get after somebody decided that the work happened.
import { useState } from 'preact/hooks';
import type { DecideRequest } from '../src/api-types.js';

const kinds = [
  ['none', 'Only that it is done (410 expired)'],
  ['response', 'A response, for a request'],
  ['result', 'A result, for a function'],
] as const;

export function AnswerFields() {
  const [kind, setKind] = useState<string>('none');
  return (
    <fieldset class="answer">
      <legend>Answer for repeats</legend>
      <select
        name="answer"
        aria-label="Answer for repeats"
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value)}
      >
        {kinds.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
      {kind === 'response' && (
        <div class="row">
          <div class="field">
            <label for="status">Status</label>
            <input id="status" name="status" type="number" min={200} max={599} defaultValue="201" required />
          </div>
          <div class="field">
            <label for="content-type">Content-Type</label>
            <input id="content-type" name="contentType" defaultValue="application/json" />
          </div>
        </div>
      )}
      {kind === 'response' && (
        <div class="field">
          <label for="body">Body</label>
          <textarea id="body" name="body" rows={4} spellcheck={false} placeholder='{"charge":"ch_1"}' />
        </div>
      )}
      {kind === 'result' && (
        <div class="field">
          <label for="json">Result, as JSON</label>
          <textarea id="json" name="json" rows={4} spellcheck={false} required placeholder='{"charge":"ch_1"}' />
        </div>
      )}
    </fieldset>
  );
}

/** The answer that the fields say; nothing where repeats are only told that the work is done. */
export function answerIn(values: Readonly<Record<string, string>>): Pick<DecideRequest, 'repeatOutcome'> {
  const { answer, status, contentType = '', body = '', json = '' } = values;
  if (answer === 'response') return { repeatOutcome: { kind: 'response', status: Number(status), contentType, body } };
  return answer === 'result' ? { repeatOutcome: { kind: 'result', json } } : {};
}
