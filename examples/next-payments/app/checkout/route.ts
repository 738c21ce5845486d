// POST /checkout: a form that ends in a redirect. Next's redirect() throws, and counts as a response all the same.
import { idempotencyOf, withIdempotency } from '@onceguard/web';
import { notFound, redirect } from 'next/navigation';
import { type Authenticated, authenticated, charge, payments } from '../../lib/payments';

const checkOut = withIdempotency(async ({ request }: Authenticated) => {
  const form = await request.formData();
  if (form.get('cart') === 'unknown') notFound();
  const { id } = await charge(Number(form.get('cents')), idempotencyOf(request).deriveKey('charge'));
  redirect(`/receipts/${id}`);
}, payments);

export const POST = authenticated(checkOut);
