// What the connection code reports about a client, and what it asks about it. `diagnostics/client-monitor.ts` implements it.
import type { StoreError } from '../../../errors.js';

/** Why a client cannot reach its server. `misconfigured`: waiting does not help. */
export interface ConnectionFailure {
  readonly class: 'unavailable' | 'misconfigured';
  readonly message: string;
}

export interface ClientObserver {
  /** Why there is no connection, as far as it is known. */
  readonly failure: ConnectionFailure | null;
  /** Why the server refused the database that the options name. The client is connected then, but to database 0. */
  readonly databaseFailure: ConnectionFailure | null;
  /** A call got its reply. */
  onReply(): void;
  /** A call failed, or could not be sent. */
  onCallFailed(error: StoreError): void;
  /** The store's own client emitted an error. */
  onClientError(error: Error): void;
  /** The store's own client has a new connection. */
  onConnected(): void;
  /** The server refused the database of the store's own client. */
  onDatabaseRefused(error: Error): void;
  /** Starts to find out why the client is not connected. */
  diagnoseInBackground(): void;
  /** Resolves when the check at start has ended, or at once if it has not begun. */
  startupCheckDone(): Promise<void>;
}
