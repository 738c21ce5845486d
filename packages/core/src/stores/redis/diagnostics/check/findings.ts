// The table of everything that a check can find.

/**
 * - `error`: records get lost without any fault, or calls fail until somebody acts.
 * - `warning`: an ordinary fault (a restart, a failover, a full memory) will lose records.
 * - `info`: what the settings protect against and what not. Good installations have some of these.
 */
export type Severity = 'error' | 'warning' | 'info';

interface FindingDefinition {
  readonly severity: Severity;
  /** A clause about the server, with placeholders such as `{policy}`. */
  readonly message: string;
  readonly remedy: string;
}

/** Codes are stable. `docs/redis.md` lists them too. */
export const findingTable = Object.freeze({
  redis_unreachable: {
    severity: 'error',
    message: 'it does not reply: {cause}',
    remedy: 'Check the address and the password, and that the server runs and accepts connections from this host.',
  },
  redis_rejects_writes: {
    severity: 'error',
    message: 'it rejects commands that the store needs: {error}',
    remedy: 'Look up the first word of the error in docs/redis.md#errors.',
  },
  redis_no_rights: {
    severity: 'error',
    message: 'the user may not use {commands}, which the store needs, or the server does not have it',
    remedy: 'Give the user the rights that docs/redis.md#rights lists, and leave the commands their original names.',
  },
  redis_too_old: {
    severity: 'error',
    message: 'it is version {version}',
    remedy: 'Use Redis 6.0 or newer, or Valkey.',
  },
  redis_replica: {
    severity: 'error',
    message: 'it is a replica, which accepts no writes',
    remedy: 'Give the address of the master; where masters change, connect through Sentinel or to the cluster.',
  },
  redis_sentinel: {
    severity: 'error',
    message: 'it is a Sentinel: it knows the address of the master, and keeps no records',
    remedy: 'Use RedisStore.connect({ sentinels: [address], name }), with the name by which it knows the master.',
  },
  redis_cluster_node: {
    severity: 'error',
    message: 'it is a node of a cluster, and the client is for a single server: it does not reach most keys',
    remedy:
      'Use RedisStore.connect({ cluster: [address] }), or give RedisStore a Cluster of ioredis. The doctor checks the whole ' +
      'cluster with --cluster.',
  },
  redis_cluster_incomplete: {
    severity: 'error',
    message: 'it sees an incomplete cluster: cluster_state is {state}, and {slots} of 16384 slots are served',
    remedy: 'CLUSTER NODES shows the servers that failed. Bring them back, or assign their slots to other servers.',
  },
  redis_auto_pipelining: {
    severity: 'warning',
    message:
      'it pipelines automatically, which breaks the commands of the store; the store uses its own pipelines instead',
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
    message: 'maxmemory-policy is {policy}: as soon as maxmemory is set, live records can be dropped',
    remedy: 'Set maxmemory-policy noeviction.',
  },
  redis_not_persistent: {
    severity: 'warning',
    message: 'there is no append-only file: a restart forgets every record since the last snapshot, or all of them',
    remedy: 'Set appendonly yes.',
  },
  redis_fsync_never: {
    severity: 'warning',
    message: 'appendfsync is no: a power cut loses what the operating system had not yet written, often half a minute',
    remedy: 'Set appendfsync everysec, or always.',
  },
  redis_slow: {
    severity: 'warning',
    message: 'a round trip takes {tookMs} ms, more than a tenth of callTimeoutMs ({callTimeoutMs})',
    remedy: 'Use a Redis nearby, or raise callTimeoutMs.',
  },
  redis_clock_differs: {
    severity: 'warning',
    message: 'its clock is {seconds} s {direction} that of this process: after a failover leases may end early or late',
    remedy:
      'Let NTP set the clocks, above all those of the servers. Until then leases work, because they use only the clock of the server.',
  },
  redis_no_info: {
    severity: 'warning',
    message:
      'the user may not use INFO, or the server does not have it: role, eviction and persistence are unknown, and a loss of ' +
      'data goes unnoticed',
    remedy: 'Give the user +info, and leave the command its original name.',
  },
  redis_offline_queue: {
    severity: 'warning',
    message: 'it queues commands while it is not connected, and sends them when their callers have given up',
    remedy: 'Set enableOfflineQueue: false on the client that RedisStore is given.',
  },
  redis_unlimited_retries: {
    severity: 'warning',
    message: 'it repeats commands without limit (maxRetriesPerRequest: null)',
    remedy: 'Give RedisStore a client of its own with maxRetriesPerRequest: 0; the store itself repeats calls safely.',
  },
  redis_reads_from_replicas: {
    severity: 'warning',
    message: 'it reads from replicas, which lag behind the master',
    remedy: "Give RedisStore a client of its own that talks to masters: scaleReads: 'master', and no role: 'slave'.",
  },
  redis_fsync_every_second: {
    severity: 'info',
    message:
      'appendfsync is everysec: a power cut loses about the last second, and with a slow disk so does a crash of Redis',
    remedy: 'Set appendfsync always if that is too much to lose; every write then waits for the disk.',
  },
  redis_min_replicas: {
    severity: 'info',
    message:
      'min-replicas-to-write is 0: a master that is cut off from its replicas still acknowledges writes, which are then lost',
    remedy:
      'Set min-replicas-to-write 1: such a master then refuses writes after min-replicas-max-lag. It does not make writes ' +
      'wait for replicas; durability does.',
  },
  redis_settings_unknown: {
    severity: 'info',
    message: 'the user may not use {commands}, so the check does not know what they show',
    remedy: 'Run the check as a user who may use them, or check the settings yourself.',
  },
} as const satisfies Record<string, FindingDefinition>);

export type FindingCode = keyof typeof findingTable;

/** A fact about a Redis or a client that matters to the store, and what to do about it. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /**
   * The subject: a server as `host:port`, as the client knows it, or behind Sentinel the name of the master; `client` for the
   * options of the client; `cluster` for a cluster of which no node was reached.
   */
  readonly server: string;
}

/** The names of the placeholders in a text. */
type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;

/** Makes a finding, with its placeholders filled in. */
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
