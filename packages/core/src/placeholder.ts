// Recognises what JavaScript makes of a value that was missing when a name was put together from parts.

const whole = /(?:^|[:/|,#])(undefined|null|NaN|Invalid Date)(?=$|[:/|,#])/;
const anywhere = /\[object \w+\]/;
/** JSON writes null for what may rightly be absent. */
const json = /^(?:\[.*\]|\{.*\})$/s;

/**
 * Which text in `name` stands for a missing value: `undefined`, `null`, `NaN` or `Invalid Date`, alone or as a part between
 * `:` `/` `|` `,` `#`, or `[object …]` anywhere. Null: none. All callers whose value was missing would share one record.
 */
export function placeholderIn(name: string): string | null {
  if (anywhere.test(name)) return '[object …]';
  return json.test(name) ? null : (whole.exec(name)?.[1] ?? null);
}

/** Completes a message about such a name: the likely cause. */
export function placeholderCause(placeholder: string): string {
  const cause = placeholder.startsWith('[') ? 'an object or a promise was put into a string' : 'a field was missing';
  return `it has the text "${placeholder}": probably ${cause}, or an await is missing`;
}
