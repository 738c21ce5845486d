// Finds out what an attempt did whose server died, or which failed. Runs before anything is tried again.
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
  // Only the mail can be in doubt: it began, and the mailer's log shows how it ended. A server that was only paused may still
  // send it. If your servers can pause for long, wait longer before you conclude that there is no mail.
  const mayBeMailed = stepsInDoubt.some(({ name }) => name === 'mail');
  if (mayBeMailed && (await systems.findMail(order)) !== undefined) {
    // The mail is the last step, so all the others are on record.
    const reservation = recordedSteps.get('reserve') as Entry;
    const charge = recordedSteps.get('charge') as Charge;
    const shipment = recordedSteps.get('ship') as Entry;
    return recovery.done(orderResponse({ order, reservation, charge, shipment }));
  }
  // While the charge is pending, the provider refuses the same key. The client learns when to repeat.
  const charge = await systems.findCharge(deriveKey('charge'));
  if (charge?.status === 'pending') return recovery.stillUnknown(1_000);
  // The handler continues from the recorded steps, and repeats the interrupted one with the same key.
  return recovery.notDone();
}
