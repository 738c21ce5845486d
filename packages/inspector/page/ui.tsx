// Small parts that several views share.
import type { RecordViewState } from '@onceguard/core';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const stateWords: Readonly<Record<RecordViewState, string>> = {
  in_progress: 'In progress',
  outcome_unknown: 'Outcome unknown',
  abandoned: 'Abandoned',
  retryable: 'Free to retry',
  completed: 'Completed',
  expired: 'Done, outcome not kept',
  removed: 'Removed',
};

export function StateBadge({ state }: { state: RecordViewState }) {
  return <span class={`badge ${state}`}>{stateWords[state]}</span>;
}

export function Notice({ kind, children }: { kind: 'error' | 'good' | 'warning'; children: ComponentChildren }) {
  return (
    <p class={`notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {children}
    </p>
  );
}

export function Loading() {
  return (
    <p class="muted" role="status">
      Loading …
    </p>
  );
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <p>{children}</p>
    </div>
  );
}

/** A text in a fixed width, with a button that copies it. */
export function Copyable({ value, what }: { value: string; what: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const timer = copied ? setTimeout(() => setCopied(false), 2_000) : undefined;
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => void navigator.clipboard?.writeText(value).then(() => setCopied(true));
  return (
    <span class="copyable">
      <code>{value}</code>
      <button type="button" class="small" onClick={copy} aria-label={`Copy ${what}`}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  /** Values to choose from; others may be written. */
  readonly suggestions?: readonly string[];
}

export function Field({ label, hint, name, placeholder = '', required = false, suggestions }: FieldProps) {
  const id = `field-${name}`;
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` };
  const suggested = suggestions === undefined ? {} : { list: `${id}-list` };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...{ id, name, placeholder, required, ...described, ...suggested }}
        type="text"
        autocomplete="off"
        spellcheck={false}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
    </div>
  );
}

/** What is written in a form, by the names of its fields. */
export function valuesOf(form: HTMLFormElement): Record<string, string> {
  const entries = [...new FormData(form)].map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}
