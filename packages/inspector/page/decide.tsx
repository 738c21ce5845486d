// A decision: it happened, or it did not. Each needs a reason; what happened may have an answer for repeats.
import { useRef, useState } from 'preact/hooks';
import type { DecideReply, DecideRequest } from '../src/api-types.js';
import { AnswerFields, answerIn } from './answer-fields.js';
import { call, messageOf } from './call.js';
import { Notice, valuesOf } from './ui.js';

interface Subject {
  readonly recordName: string;
  readonly operation: string;
  readonly label: string | null;
  readonly fencingToken: number;
}

export function DecideButtons({ subject, onDecided }: { subject: Subject; onDecided: (message: string) => void }) {
  const [as, setAs] = useState<DecideRequest['as'] | null>(null);
  return (
    <div class="decide">
      <button type="button" onClick={() => setAs('done')}>
        It happened …
      </button>
      <button type="button" onClick={() => setAs('not_done')}>
        It did not …
      </button>
      {as !== null && <DecideDialog subject={subject} as={as} onClose={() => setAs(null)} onDecided={onDecided} />}
    </div>
  );
}

const titles = { done: 'It happened', not_done: 'It did not happen' } as const;

const consequences = {
  done: 'Nobody runs the work again. Every repeat gets the answer below, or is told that the work is done.',
  not_done:
    'The next repeat runs the work, and its steps in doubt. Be sure that nothing happened: it may run twice otherwise.',
} as const;

const reasonExamples = {
  done: 'Charge ch_1 is in the provider’s dashboard',
  not_done: 'The provider knows no charge with this key',
} as const;

function DecideDialog({
  subject,
  as,
  onClose,
  onDecided,
}: {
  subject: Subject;
  as: DecideRequest['as'];
  onClose: () => void;
  onDecided: (message: string) => void;
}) {
  const dialog = useRef<HTMLDialogElement | null>(null);
  const [state, setState] = useState<{ busy: boolean; error: string | null; late: string | null }>({
    busy: false,
    error: null,
    late: null,
  });
  const open = (element: HTMLDialogElement | null) => {
    if (element !== null && !element.open) element.showModal();
    dialog.current = element;
  };
  const decide = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setState({ busy: true, error: null, late: null });
    try {
      const { reason = '' } = valuesOf(form);
      const { recordName, fencingToken } = subject;
      const request = { recordName, fencingToken, as, reason, ...(as === 'done' && answerIn(valuesOf(form))) };
      const { kind, message } = await call<DecideReply>('decide', request);
      if (kind === 'late') return setState({ busy: false, error: null, late: message });
      dialog.current?.close();
      onDecided(message);
    } catch (failure) {
      setState({ busy: false, error: messageOf(failure), late: null });
    }
  };
  const close = () => {
    const { late } = state;
    onClose();
    if (late !== null) onDecided(late);
  };
  return (
    <dialog ref={open} onClose={close} aria-labelledby="decide-title">
      <form onSubmit={(event) => void decide(event)}>
        <div>
          <h2 id="decide-title">
            {titles[as]}: {subject.operation}
          </h2>
          <p class="subject">
            {subject.label !== null && <strong>{subject.label}</strong>} <code>{subject.recordName}</code>
          </p>
        </div>
        <p>
          {consequences[as]} <span class="muted">A decision cannot be taken back.</span>
        </p>
        {state.late === null ? (
          <>
            <div class="field">
              <label for="reason">How do you know?</label>
              <textarea id="reason" name="reason" required maxLength={500} rows={2} placeholder={reasonExamples[as]} />
            </div>
            {as === 'done' && <AnswerFields />}
          </>
        ) : (
          <Notice kind="warning">{state.late}</Notice>
        )}
        {state.error && <Notice kind="error">{state.error}</Notice>}
        <div class="buttons">
          {state.late === null && (
            <button type="submit" class="primary" disabled={state.busy}>
              {state.busy ? 'Recording …' : `Decide: ${as === 'done' ? 'it happened' : 'it did not happen'}`}
            </button>
          )}
          <button type="button" onClick={() => dialog.current?.close()}>
            {state.late === null ? 'Cancel' : 'Close'}
          </button>
        </div>
      </form>
    </dialog>
  );
}
