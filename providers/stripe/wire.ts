/**
 * Stripe's ids, codes and errors as they come over the wire. Codes are read as short words and ids as what Stripe's
 * ids are made of, so that nothing else can pass through them into rows, events or logs.
 */
import { z } from 'zod';

const code = z
  .string()
  .regex(/^[a-zA-Z0-9_]{1,64}$/)
  .nullish()
  .catch(null);

/** The error of an answer, and an intent's `last_payment_error`. */
export const stripeFault = z.object({
  type: code,
  code,
  decline_code: code,
  advice_code: code,
  network_advice_code: code,
  param: code,
});
export type StripeFault = z.infer<typeof stripeFault>;

export const stripeId = z.string().regex(/^[A-Za-z0-9_]{1,255}$/);
export const stripeCurrency = z.string().regex(/^[a-z]{3}$/);
