// One point of an execution at which a process is killed, and the policies under which that is tested.
import { type RecoverContext, type Recovery, recovery, type StepContext } from '@onceguard/core';
import type { FaultStore, StoreMethod } from '@onceguard/testing';
import type { RunResult, SharedOptions } from './entry-points.js';

/** Reports that the point is reached, and never resolves. */
export type Halt = () => Promise<never>;

/**
 * Makes the verb's call with this number the point, or every call: the process dies before it took effect, or after it.
 */
export type HaltAt = (verb: StoreMethod, call?: number) => void;

export interface KillPoint {
  /** Only over HTTP: a function has no such point. */
  readonly onlyOver?: 'http';
  /** Only under these policies: others do not reach it. Default: all but `recover`. */
  readonly onlyUnder?: readonly Policy[];
  /** The deadline of the store's calls. Default: longer than the test. */
  readonly timeoutMs?: number;
  readonly options?: SharedOptions;
  /**
   * Another caller comes first, and the second one when the first has finished, or at once. Default: there is only one.
   */
  readonly earlierCaller?: 'has finished' | 'is running';
  readonly arrange?: (store: FaultStore, haltAt: HaltAt) => void;
  /** What the work does; returns how it ends. Default: done. */
  readonly run?: (running: KillPointContext) => Promise<RunResult['ends'] | undefined>;
  readonly scope?: (halt: Halt) => Promise<string>;
  /** The work is this step; its result is the run that ran the step. */
  readonly step?: StepKillPoint;
  /** The victim's recover function for an attempt before. */
  readonly recover?: (halt: Halt) => Promise<Recovery<never>>;
  /** The point is the response itself, just before it is sent. */
  readonly isResponse?: true;
}

export interface StepKillPoint {
  readonly atMostOnce: boolean;
  readonly act?: (context: StepContext, running: KillPointContext) => unknown;
}

export interface KillPointContext {
  readonly halt: Halt;
  readonly haltAt: HaltAt;
  readonly run: number;
  readonly signal: AbortSignal;
  /** Resolves when this run has begun. */
  began(run: number): Promise<void>;
}

/** Renewed every third of it: after a kill at least half of it is left to read the record. */
const leaseMs = 5_000;

export const policies = {
  rerun: { leaseMs },
  block: { leaseMs, onAbandoned: 'block' },
  payments: { leaseMs, onAbandoned: 'block', onFailure: 'unknown' },
  /** The next caller recovers a step in doubt, without finding out what it did. */
  recover: {
    leaseMs,
    onAbandoned: ({ stepsInDoubt }: RecoverContext) =>
      stepsInDoubt.length > 0 ? recovery.stillUnknown() : recovery.notDone(),
  },
} as const;

export type Policy = keyof typeof policies;
