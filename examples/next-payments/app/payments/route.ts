// POST /payments: charges once, however often the request is repeated.
import { idempotencyOf, withIdempotency } from '@onceguard/web';
import { cookies } from 'next/headers';
import { NextResponse } from 'next/server';
import { type Authenticated, authenticated, charge, payments } from '../../lib/payments';

const pay = withIdempotency(async ({ request }: Authenticated) => {
  const { cents } = await request.json();
  const paid = await charge(cents, idempotencyOf(request).deriveKey('charge'));
  (await cookies()).set('last-payment', paid.id);
  return NextResponse.json(paid, { status: 201 });
}, payments);

export const POST = authenticated(pay);
