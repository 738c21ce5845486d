// The messages from clients to the store in the model, and their delivery.
import type {
  AcquireReply,
  AcquireRequest,
  acquire,
  Checkpoint,
  CheckpointReply,
  CompleteReply,
  Completion,
  checkpoint,
  complete,
  Lease,
  LeaseIdentity,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  ResolveReply,
  ResolveRequest,
  release,
  remove,
  renew,
  resolve,
  StoredRecord,
} from '../../../packages/core/src/protocol/index.js';

/** The functions under test: the protocol, or a mutation of it. */
export interface Protocol {
  readonly acquire: typeof acquire;
  readonly renew: typeof renew;
  readonly checkpoint: typeof checkpoint;
  readonly complete: typeof complete;
  readonly release: typeof release;
  readonly resolve: typeof resolve;
  readonly remove: typeof remove;
}

export type Message =
  | { readonly verb: 'acquire'; readonly request: AcquireRequest }
  | { readonly verb: 'renew'; readonly lease: Lease; readonly leaseMs: number }
  | { readonly verb: 'checkpoint'; readonly lease: Lease; readonly checkpoint: Checkpoint }
  | { readonly verb: 'complete'; readonly lease: Lease; readonly completion: Completion }
  | { readonly verb: 'release'; readonly holder: LeaseIdentity; readonly request: ReleaseRequest }
  | { readonly verb: 'resolve'; readonly request: ResolveRequest }
  | { readonly verb: 'remove' };

export interface Delivery {
  readonly now: number;
  readonly before: StoredRecord | null;
  readonly after: StoredRecord | null;
}

export type Delivered = Delivery &
  (
    | (Extract<Message, { verb: 'acquire' }> & { readonly reply: AcquireReply })
    | (Extract<Message, { verb: 'renew' }> & { readonly reply: RenewReply })
    | (Extract<Message, { verb: 'checkpoint' }> & { readonly reply: CheckpointReply })
    | (Extract<Message, { verb: 'complete' }> & { readonly reply: CompleteReply })
    | (Extract<Message, { verb: 'release' }> & { readonly reply: ReleaseReply })
    | (Extract<Message, { verb: 'resolve' }> & { readonly reply: ResolveReply })
    | (Extract<Message, { verb: 'remove' }> & { readonly reply: { readonly kind: 'removed' } })
  );

export function deliver(protocol: Protocol, before: StoredRecord | null, message: Message, now: number): Delivered {
  switch (message.verb) {
    case 'acquire': {
      const { record: after, reply } = protocol.acquire(before, message.request, now);
      return { ...message, now, before, after, reply };
    }
    case 'renew': {
      const { record: after, reply } = protocol.renew(before, message.lease, message.leaseMs, now);
      return { ...message, now, before, after, reply };
    }
    case 'checkpoint': {
      const { record: after, reply } = protocol.checkpoint(before, message.lease, message.checkpoint, now);
      return { ...message, now, before, after, reply };
    }
    case 'complete': {
      const { record: after, reply } = protocol.complete(before, message.lease, message.completion, now);
      return { ...message, now, before, after, reply };
    }
    case 'release': {
      const { record: after, reply } = protocol.release(before, message.holder, message.request, now);
      return { ...message, now, before, after, reply };
    }
    case 'resolve': {
      const { record: after, reply } = protocol.resolve(before, message.request, now);
      return { ...message, now, before, after, reply };
    }
    case 'remove':
      return { ...message, now, before, after: protocol.remove(before, now), reply: { kind: 'removed' } };
  }
}

/** Throws if an invariant does not hold. */
export function assertHolds(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}
