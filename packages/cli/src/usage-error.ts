// A command line that makes no sense, or a wish that cannot be met. Its message is all that people see; the exit status is 2.

export class UsageError extends Error {}
