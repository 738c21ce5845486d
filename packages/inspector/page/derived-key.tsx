// The key that a part of the work passed on: the name by which the provider knows the call.
import { useState } from 'preact/hooks';
import { call, messageOf } from './call.js';
import { Copyable, Field, Notice, valuesOf } from './ui.js';

export function DerivedKey({ recordName }: { recordName: string }) {
  const [found, setFound] = useState<{ name: string; key: string } | null>(null);
  const [error, setError] = useState<string | null>(null);
  const derive = async (event: SubmitEvent) => {
    event.preventDefault();
    const { derived = '' } = valuesOf(event.currentTarget as HTMLFormElement);
    try {
      const { key } = await call<{ key: string }>('derive', { recordName, name: derived });
      setFound({ name: derived, key });
      setError(null);
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  return (
    <form class="inline-form" onSubmit={(event) => void derive(event)}>
      <Field name="derived" label="Name given to deriveKey()" required placeholder="charge" />
      <button type="submit">Show the key</button>
      {error && <Notice kind="error">{error}</Notice>}
      {found && (
        <p class="derived" role="status">
          <span class="muted">Search for this key of “{found.name}” there:</span>
          <Copyable value={found.key} what="the key" />
        </p>
      )}
    </form>
  );
}
