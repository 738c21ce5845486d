// What a verb makes of a record: the record that stands afterwards (the very same object if unchanged) and the answer.
import type { StoredRecord } from './record.js';

export interface Transition<Answer> {
  readonly record: StoredRecord | null;
  readonly reply: Answer;
}
