// Events that people should see, each as one sentence.

export interface Problem {
  readonly at: number;
  /** The name of the event. */
  readonly event: string;
  readonly text: string;
  readonly recordName: string | null;
  /** What kind of work it is about; null where the event does not know it. */
  readonly operation: string | null;
}

interface ProblemEvent {
  readonly recordName?: string | null;
  readonly operation?: string | null;
  readonly [member: string]: unknown;
}

const sentences: Readonly<Record<string, (event: ProblemEvent) => string>> = {
  outcome_unknown: () => 'An attempt ended, and nobody knows whether its work took effect.',
  lease_lost: ({ reason }) => `An owner lost its lease: ${text(reason)}`,
  stale_commit: () => 'An owner finished after another had taken over. Its outcome is not recorded.',
  store_error: ({ verb, error }) => `The store failed to ${text(verb)}: ${messageOf(error)}`,
  record_lost: ({ restored }) => `The store had lost a record${restored === true ? '; it was written again.' : '.'}`,
  data_may_be_lost: ({ server }) => `Redis at ${text(server)} was restarted or replaced: its last writes may be lost.`,
  outcome_unrecorded: () => 'A caller got a result that is not on record yet.',
  misconfigured: ({ error }) => `A request could not be handled: ${messageOf(error)}`,
  bypassed: ({ error }) => `Work ran without protection: ${messageOf(error)}`,
  send_failed: ({ error }) => `A response could not be sent: ${messageOf(error)}`,
};

export const problemEvents = Object.keys(sentences);

/** Null: the event is no problem. */
export function describeProblem(event: string, message: object, at: number): Problem | null {
  const members: ProblemEvent = { ...message };
  const sentence = sentences[event];
  if (sentence === undefined) return null;
  const { recordName = null, operation = null } = members;
  return { at, event, text: sentence(members).slice(0, 500), recordName, operation };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : text(error);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : String(value ?? 'unknown');
}
