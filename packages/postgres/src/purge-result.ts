/** What a purge has done. */
export interface PurgeResult {
  /** How many records were deleted. */
  readonly deleted: number;
  /** How many records stay: only their outcome was deleted, or they are not over yet. */
  readonly kept: number;
}
