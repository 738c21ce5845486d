// Mistakes that a statement could have. The random walk has to find each of them.

export interface StatementMutation {
  readonly mistake: string;
  /** A part of a statement, up to the white space in it. */
  readonly from: string;
  readonly to: string;
}

const anyRetention = 'CASE WHEN r.flags & 4 <> 0 THEN';

export const statementMutations: readonly StatementMutation[] = [
  {
    mistake: 'the first fencing token ignores those that the caller has seen',
    from: 'greatest(c.now, $6::bigint)',
    to: 'c.now',
  },
  { mistake: 'the first fencing token is not the clock', from: 'greatest(c.now, $6::bigint)', to: '$6::bigint' },
  { mistake: 'the first lease begins at 0', from: 'c.now + $9::bigint', to: '$9::bigint' },
  { mistake: 'the first record ends by its length', from: 'c.now + $22::bigint', to: '$22::bigint' },
  {
    mistake: 'a resent acquisition shortens the lease',
    from: 'lease_end_at = greatest(r.lease_end_at, c.now + $3::bigint)',
    to: 'lease_end_at = c.now + $3::bigint',
  },
  {
    mistake: 'a resent acquisition keeps the lease as it is',
    from: 'lease_end_at = greatest(r.lease_end_at, c.now + $3::bigint)',
    to: 'lease_end_at = r.lease_end_at',
  },
  {
    mistake: 'a resent acquisition keeps the length of the lease',
    from: 'CASE WHEN c.now + $3::bigint > r.lease_end_at THEN $3::bigint ELSE r.lease_ms END',
    to: 'r.lease_ms',
  },
  {
    mistake: 'a renewal shortens the lease',
    from: 'lease_end_at = greatest(r.lease_end_at, c.now + $4::bigint)',
    to: 'lease_end_at = c.now + $4::bigint',
  },
  {
    mistake: 'a renewal always sets the length of the lease',
    from: 'CASE WHEN c.now + $4::bigint > r.lease_end_at THEN $4::bigint ELSE r.lease_ms END',
    to: '$4::bigint',
  },
  {
    mistake: 'a renewal does not extend the record',
    from: 'expires_at = greatest(r.expires_at, greatest(r.lease_end_at, c.now + $4::bigint)',
    to: 'expires_at = greatest(r.expires_at, 0 * greatest(r.lease_end_at, c.now + $4::bigint)',
  },
  {
    mistake: 'a guarded record lives no longer than others',
    from: `${anyRetention} $5::bigint ELSE $6::bigint END`,
    to: '$6::bigint',
  },
  {
    mistake: 'every record lives as long as a guarded one',
    from: `${anyRetention} $5::bigint ELSE $6::bigint END`,
    to: 'greatest($5::bigint, $6::bigint)',
  },
  {
    mistake: 'an owner is known by the owner token alone',
    from: 'AND r.fencing_token = $3::bigint AND',
    to: 'AND $3::bigint >= 0 AND',
  },
  {
    mistake: 'an owner is known by the fencing token alone',
    from: 'r.owner_token = $2::text AND r.fencing_token = $3::bigint',
    to: "$2::text <> '' AND r.fencing_token = $3::bigint",
  },
  {
    mistake: 'an owner changes a record that is not in progress',
    from: "r.fencing_token = $3::bigint AND r.state = 'in_progress'",
    to: 'r.fencing_token = $3::bigint',
  },
  {
    mistake: 'an owner changes an expired record',
    from: "r.fencing_token = $3::bigint AND r.state = 'in_progress' AND r.expires_at > c.now",
    to: "r.fencing_token = $3::bigint AND r.state = 'in_progress'",
  },
  {
    mistake: 'a recovery shortens the lifetime of the record',
    from: 'CASE WHEN r.flags & 2 <> 0 THEN greatest(r.expires_at, c.now + $7::bigint) ELSE c.now + $7::bigint END',
    to: 'c.now + $7::bigint',
  },
  {
    mistake: 'a completion keeps the lifetime of the record',
    from: 'CASE WHEN r.flags & 2 <> 0 THEN greatest(r.expires_at, c.now + $7::bigint) ELSE c.now + $7::bigint END',
    to: 'greatest(r.expires_at, c.now + $7::bigint)',
  },
  {
    mistake: 'an outcome lives as long as its record',
    from: 'ELSE c.now + $5::bigint END, due_at',
    to: 'ELSE c.now + $7::bigint END, due_at',
  },
  { mistake: 'a completion drops its note', from: 'note = $6::text', to: 'note = nullif($6::text, $6::text)' },
  { mistake: 'a lower seq replaces a step', from: 'WHERE excluded.seq > s.seq', to: '' },
  { mistake: 'the same seq replaces a step', from: 'WHERE excluded.seq > s.seq', to: 'WHERE excluded.seq >= s.seq' },
  { mistake: 'each step begins a new life', from: 'coalesce(r.life, gen_random_uuid())', to: 'gen_random_uuid()' },
  { mistake: 'a decision drops the results too', from: 'AND s.seq % 2 = 1', to: '' },
  { mistake: 'a decision keeps the intents', from: 'AND s.seq % 2 = 1', to: 'AND s.seq < 0' },
];

/** White space in the statements depends on how the source is indented. */
export function normalize(text: string): string {
  return text.replace(/\s+/g, ' ');
}
