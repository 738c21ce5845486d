// The policy for endpoints that move money.
import { paymentPolicy } from '../engine/policy.js';

/**
 * `paymentPolicy` for endpoints: it also refuses a request without a key. Spread it into the options; options after it win.
 *
 * @example
 * app.post('/payments', idempotency({ ...httpPaymentPolicy, store, scope: (req) => req.user.id }), pay);
 */
export const httpPaymentPolicy = Object.freeze({ ...paymentPolicy, required: true });
