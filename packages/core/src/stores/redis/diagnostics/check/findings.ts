// Everything that a check can find: one table of codes.

/**
 * - `error`: records are lost while nothing fails, or calls fail until somebody acts.
 * - `warning`: a fault that has to be expected (a restart, a failover, a full memory) will lose records.
 * - `info`: what the settings buy and what they do not; good installations have some of these.
 */
export type Severity = 'error' | 'warning' | 'info';

interface FindingDefinition {
  readonly severity: Severity;
  /** A clause about the server, with blanks such as `{policy}`. */
  readonly message: string;
  readonly remedy: string;
}

/** A code is stable; `docs/redis.md` lists them too. */
export const findingTable = Object.freeze({
  redis_unreachable: {
    severity: 'error',
    message: 'it does not answer: {cause}',
    remedy: 'See that the address and the password are right, and that the server runs and lets this host in.',
  },
  redis_refuses: {
    severity: 'error',
    message: 'it refuses what the store has to write: {said}',
    remedy: 'Look up its word in docs/redis.md#errors.',
  },
  redis_no_rights: {
    severity: 'error',
    message: 'the user may not use {what}, which the store needs, or the server does not have it',
    remedy:
      'Give the user the rights that docs/redis.md#rights lists, and the commands the names that Redis gives them.',
  },
  redis_too_old: {
    severity: 'error',
    message: 'it is version {version}',
    remedy: 'Use Redis 6.0 or newer, or Valkey.',
  },
  redis_replica: {
    severity: 'error',
    message: 'it is a replica, and writes nothing',
    remedy: 'Give the address of the master; where masters change, connect through Sentinel or to the cluster.',
  },
  redis_sentinel: {
    severity: 'error',
    message: 'it is a Sentinel: it knows where the master is, and keeps no records',
    remedy: 'Use RedisStore.connect({ sentinels: [address], name }), with the name by which it knows the master.',
  },
  redis_cluster_node: {
    severity: 'error',
    message: 'it is a node of a cluster, and the client is not one for clusters: most keys are out of its reach',
    remedy:
      'Use RedisStore.connect({ cluster: [address] }), or give RedisStore a Cluster of ioredis. The doctor looks at the whole ' +
      'cluster with --cluster.',
  },
  redis_cluster_incomplete: {
    severity: 'error',
    message: 'to it the cluster is not whole: cluster_state is {state}, and {slots} of 16384 slots are served',
    remedy: 'See CLUSTER NODES for the servers that failed; bring them back, or have others serve their slots.',
  },
  redis_auto_pipelining: {
    severity: 'warning',
    message:
      'it pipelines automatically, which breaks commands such as the store sends; the store has pipelines of its own instead',
    remedy: 'Set enableAutoPipelining: false on the client that RedisStore is given.',
  },
  redis_too_few_replicas: {
    severity: 'error',
    message: 'durability asks for more replicas ({wanted}) than are online ({online}): calls that write fail',
    remedy: 'Bring replicas online, or ask for fewer.',
  },
  redis_evicts: {
    severity: 'error',
    message: 'maxmemory-policy is {policy}: when memory is full, live records are dropped, and their work runs again',
    remedy: 'Set maxmemory-policy noeviction.',
  },
  redis_may_evict: {
    severity: 'warning',
    message: 'maxmemory-policy is {policy}: as soon as maxmemory is set, live records will be dropped',
    remedy: 'Set maxmemory-policy noeviction.',
  },
  redis_not_persistent: {
    severity: 'warning',
    message: 'there is no append-only file: a restart forgets every record since the last snapshot, or all of them',
    remedy: 'Set appendonly yes.',
  },
  redis_fsync_never: {
    severity: 'warning',
    message: 'appendfsync is no: a power cut loses what the system had not written by itself, often half a minute',
    remedy: 'Set appendfsync everysec, or always.',
  },
  redis_slow: {
    severity: 'warning',
    message: 'a round trip takes {tookMs} ms, more than a tenth of callTimeoutMs ({callTimeoutMs})',
    remedy: 'Use a Redis nearby, or raise callTimeoutMs.',
  },
  redis_clock_differs: {
    severity: 'warning',
    message: 'its clock is {seconds} s {direction} of this process: after a failover leases may end early or late',
    remedy: 'Let NTP set the clocks, of the servers above all. Leases are counted on the server and hold meanwhile.',
  },
  redis_no_info: {
    severity: 'warning',
    message:
      'the user may not use INFO, or the server does not have it: role, eviction and persistence are not known, and a loss of ' +
      'data goes unnoticed',
    remedy: 'Give the user +info, and leave the command its name.',
  },
  redis_offline_queue: {
    severity: 'warning',
    message: 'it keeps commands while it is not connected, and sends them when their callers are gone',
    remedy: 'Set enableOfflineQueue: false on the client that RedisStore is given.',
  },
  redis_unlimited_retries: {
    severity: 'warning',
    message: 'it repeats a command without end (maxRetriesPerRequest: null)',
    remedy: 'Give RedisStore a client of its own with maxRetriesPerRequest: 0; the store repeats safely itself.',
  },
  redis_reads_from_replicas: {
    severity: 'warning',
    message: 'it is set to read from replicas, which lag behind',
    remedy: "Give RedisStore a client of its own that talks to masters: scaleReads: 'master', and no role: 'slave'.",
  },
  redis_fsync_every_second: {
    severity: 'info',
    message:
      'appendfsync is everysec: a power cut loses about the last second, and a crash what a slow disk has made Redis put off',
    remedy: 'Set appendfsync always if that is too much to lose; every write then waits for the disk.',
  },
  redis_min_replicas: {
    severity: 'info',
    message:
      'min-replicas-to-write is 0: a master that is cut off from its replicas goes on acknowledging what is lost',
    remedy:
      'Set min-replicas-to-write 1 to end that after min-replicas-max-lag. It does not make writes wait for replicas; ' +
      'durability does.',
  },
  redis_not_looked_at: {
    severity: 'info',
    message: 'what {what} tells is not known: the user may not use it',
    remedy: 'Run the check as a user who may, or look for yourself.',
  },
} as const satisfies Record<string, FindingDefinition>);

export type FindingCode = keyof typeof findingTable;

/** Something about a Redis that matters to this store, and what to do about it. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /**
   * What it is about: a server as `host:port`, as the client knows it; behind Sentinel by the master's name. `client`: the
   * options of the client. `cluster`: a cluster of which no server is known.
   */
  readonly server: string;
}

/** The names of the blanks in a text. */
type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;

/** A finding with its blanks filled in. */
export function createFinding<Code extends FindingCode>(
  code: Code,
  server: string,
  values: Readonly<Record<Placeholders<(typeof findingTable)[Code]['message']>, string | number>>,
): Finding {
  const { severity, message, remedy } = findingTable[code];
  const fill = (text: string, [name, value]: [string, unknown]) =>
    text.replace(`{${name}}`, String(value).replace(/\.$/, ''));
  const filled = Object.entries(values).reduce(fill, message);
  return { code, severity, message: filled, remedy, server };
}
