/**
 * Stripe's ids, codes and errors as they come over the wire. Codes are read as short words and ids as what Stripe's
 * ids are made of, so that nothing else can pass through them into rows, events or logs.
 */
import { z } from 'zod';

const text_ = z
  .string()
  .regex(/^[a-zA-Z0-9_]{1,64}$/)
  .nullish()
  .catch(null);

/** The error of an answer, and an intent's `last_payment_error`. */
export const stripeFault = z.object({
  type: text_,
  code: text_,
  decline_code: text_,
  advice_code: text_,
  network_advice_code: text_,
  param: text_,
});
export type StripeFault = z.infer<typeof stripeFault>;

export const stripeId = z.string().regex(/^[A-Za-z0-9_]{1,255}$/);
export const stripeCurrency = z.string().regex(/^[a-z]{3}$/);
