// Detects failovers and restarts by run id and replication id: the new master may have lost acknowledged writes.
import { withDeadline } from '../../deadline.js';
import { mastersOf, type RedisClient } from '../connection/redis-client.js';
import { serverName } from '../connection/server-name.js';
import { type MasterIdentity, readMasterIdentity } from './master-identity.js';

/** Nobody waits for the reply. The deadline only ends the identification. */
const identifyTimeoutMs = 5_000;

/** Another server has become the master, or the same server has restarted, with or without its data. */
export interface MasterChange {
  readonly server: string;
  /** The `run_id` of the earlier server. */
  readonly before: string;
  /** The `run_id` of the present server. */
  readonly after: string;
}

export interface MasterListener {
  /** A master has replied. */
  onMasterReply(): void;
  /** A master is another server than before, or has restarted. */
  onMasterChanged(change: MasterChange): void;
}

export class MasterTracker {
  readonly #knownMasters = new Map<string, MasterIdentity>();
  #lastMasterNames = '';
  #isIdentifying = false;
  #identifyAgain = false;

  constructor(
    private readonly client: RedisClient,
    private readonly listener: MasterListener,
  ) {}

  /**
   * Asks every master for its identity, and reports each one that has changed. A call during an identification
   * starts another one after it.
   */
  readonly identifyMasters = (): void => {
    this.#identifyAgain = this.#isIdentifying;
    if (this.#isIdentifying) return;
    this.#isIdentifying = true;
    void this.#compareMasters().finally(() => {
      this.#isIdentifying = false;
      if (this.#identifyAgain) this.identifyMasters();
    });
  };

  /**
   * Does nothing while a cluster client is connecting. A command would open a connection to a node that the client may leave
   * in the middle of the TLS handshake, and the error of that connection would end the process. A ready client is asked
   * anyway.
   */
  readonly identifyMastersIfReady = (): void => {
    if (this.client.status === 'ready') this.identifyMasters();
  };

  /** A cluster client has read the slots again. The masters may be others than before. */
  readonly onSlotsRefreshed = (): void => {
    const names = mastersOf(this.client).map(serverName).sort().join();
    if (names === this.#lastMasterNames) return;
    this.#lastMasterNames = names;
    this.identifyMastersIfReady();
  };

  async #compareMasters(): Promise<void> {
    for (const node of mastersOf(this.client)) {
      // Without the right to INFO, or without a reply, losses go unnoticed. The check reports a missing right once.
      const identity = await withDeadline(
        identifyTimeoutMs,
        () => 'no reply',
        () => readMasterIdentity(node),
      ).catch(() => null);
      if (identity === null) continue;
      this.listener.onMasterReply();
      const change = this.#observe(serverName(node), identity);
      if (change !== null) this.listener.onMasterChanged(change);
    }
  }

  /** Remembers the master at this address. Null: no data can have been lost. */
  #observe(server: string, now: MasterIdentity): MasterChange | null {
    const earlier = this.#knownMasters.get(server);
    const predecessor = [...this.#knownMasters.values()].find(
      ({ replicationId }) => replicationId === now.previousReplicationId,
    );
    this.#knownMasters.set(server, now);
    if (earlier?.replicationId === now.replicationId) return null;
    if (predecessor !== undefined) return { server, before: predecessor.runId, after: now.runId };
    // A master without replicas changes its replication id from time to time, and keeps its data.
    if (earlier === undefined || earlier.runId === now.runId) return null;
    return { server, before: earlier.runId, after: now.runId };
  }
}
