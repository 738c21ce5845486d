// The exit statuses of the commands, for scripts.

export const exitStatus = {
  fine: 0,
  /** Something needs attention, or nothing was found. */
  found: 1,
  /** The command line makes no sense, or the store refused or did not reply. Nothing was changed, unless the message says otherwise. */
  notCarriedOut: 2,
} as const;
