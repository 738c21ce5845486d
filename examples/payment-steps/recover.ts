// The server before this one died, or an attempt failed: what did it do? Asked before anything is tried again.
import { type RecoverContext, type Recovery, recovery } from '@onceguard/core';
import type { RecoveredResponse } from '@onceguard/core/http';
import type { Entry } from './back-office.js';
import { orderResponse } from './order-response.js';
import type { Charge } from './provider.js';
import type { Systems } from './systems.js';

export async function recover(
  { stepsInDoubt, recordedSteps, deriveKey }: RecoverContext,
  order: string,
  systems: Systems,
): Promise<Recovery<RecoveredResponse>> {
  // Only the mail can be in doubt: it began, and its log knows how it ended. A server that was merely paused may still be about
  // to send it: where yours can pause for long, wait for longer before you believe that there is none.
  const mayBeMailed = stepsInDoubt.some(({ name }) => name === 'mail');
  if (mayBeMailed && (await systems.findMail(order)) !== undefined) {
    // The mail is the last step, so all the others are on record.
    const reservation = recordedSteps.get('reserve') as Entry;
    const charge = recordedSteps.get('charge') as Charge;
    const shipment = recordedSteps.get('ship') as Entry;
    return recovery.done(orderResponse({ order, reservation, charge, shipment }));
  }
  // While the provider is still at the charge, it refuses the same key: the client is told when to come back.
  const charge = await systems.findCharge(deriveKey('charge'));
  if (charge?.status === 'pending') return recovery.stillUnknown(1_000);
  // The handler goes on from the recorded steps, and repeats the one under way with the key that it had.
  return recovery.notDone();
}
