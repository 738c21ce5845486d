// Recognises the text that JavaScript writes for a missing value when a name is composed of parts.

const partPattern = /(?:^|[:/|,#])(undefined|null|NaN|Invalid Date)(?=$|[:/|,#])/;
const objectPattern = /\[object \w+\]/;
/** In JSON, null may be a legitimate value. */
const jsonPattern = /^(?:\[.*\]|\{.*\})$/s;

/**
 * The text in `name` that stands for a missing value: `undefined`, `null`, `NaN` or `Invalid Date`, alone or as a part between
 * `:` `/` `|` `,` `#`, or `[object …]` anywhere. Null: there is none. Such a name must be refused: all callers whose value is missing
 * would share one record.
 */
export function findPlaceholder(name: string): string | null {
  if (objectPattern.test(name)) return '[object …]';
  return jsonPattern.test(name) ? null : (partPattern.exec(name)?.[1] ?? null);
}

/** The end of a message about such a name: the likely cause. */
export function describePlaceholder(placeholder: string): string {
  const cause = placeholder.startsWith('[') ? 'an object or a promise was put into a string' : 'a field was missing';
  return `it has the text "${placeholder}": probably ${cause}, or an await is missing`;
}
