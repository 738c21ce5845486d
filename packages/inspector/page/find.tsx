// Find: from what a person knows to the record.
import { useState } from 'preact/hooks';
import type { RecordReply } from '../src/api-types.js';
import { call, messageOf } from './call.js';
import { Field, Notice, valuesOf } from './ui.js';

type Form = 'request' | 'operation' | 'function' | 'name';

const forms: readonly (readonly [Form, string, string])[] = [
  ['request', 'A request', 'by the method and the path that the client sent'],
  ['operation', 'Named work', 'of a route or function with the option operation'],
  ['function', 'A function', 'without the option operation'],
  ['name', 'A record’s name', 'from a log, an event, or the instance of an error response'],
];

export function FindView() {
  const [form, setForm] = useState<Form>('request');
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const find = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { isId, ...words } = valuesOf(event.currentTarget as HTMLFormElement);
      const { record } = await call<RecordReply>('find', { ...words, ...(isId && { scopeIsId: true }) });
      // The name is a digest: the address never has the client's key.
      location.hash = `#/record/${record.recordName}`;
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <h1>Find a record</h1>
      <form class="panel find" onSubmit={(event) => void find(event)}>
        <fieldset class="choices">
          <legend>What do you look for?</legend>
          {forms.map(([name, title, hint]) => (
            <label key={name}>
              <input type="radio" name="form" value={name} checked={form === name} onChange={() => setForm(name)} />
              <span>
                {title} <span class="hint">{hint}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="fields" key={form}>
          <Words form={form} />
        </div>
        {error && <Notice kind="error">{error}</Notice>}
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? 'Looking …' : 'Find the record'}
        </button>
      </form>
    </>
  );
}

function Words({ form }: { form: Form }) {
  if (form === 'name') {
    return (
      <Field
        name="recordName"
        label="Name"
        required
        placeholder="q3ZkT…"
        hint="43 characters, also with urn:onceguard:record: before it."
      />
    );
  }
  return (
    <>
      <Field
        name="scope"
        label="Scope"
        required
        placeholder="alice"
        hint="Whose key it is: the id of the customer, as the application gives it."
      />
      <Field name="key" label="Key" required placeholder="order-17" hint="The Idempotency-Key that the client sent." />
      {form === 'operation' && <Field name="operation" label="Operation" required placeholder="create-payment" />}
      {form === 'request' && (
        <Field
          name="method"
          label="Method"
          required
          placeholder="POST"
          suggestions={['POST', 'PUT', 'PATCH', 'DELETE']}
        />
      )}
      {form === 'request' && (
        <Field name="path" label="Path" required placeholder="/payments" hint="Without the query." />
      )}
    </>
  );
}
