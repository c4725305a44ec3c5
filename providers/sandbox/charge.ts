/**
 * A charge as the sandbox provider tells of it.
 *
 * Owns: the shape of a charge and of a list of charges on the wire, and the provider's own decline codes. The
 * server writes this shape and the adapter reads it; the adapter passes over fields that it does not know.
 * Does not own what Perennial makes of them (`adapter.ts`).
 * Invariant: a failed charge says why, one that waits for its customer says what to do, no other does either.
 */
import { z } from 'zod';

/** The provider's own codes, with its words for people. */
export const declines = {
  insufficient_funds: 'The account has insufficient funds.',
  do_not_honor: 'The bank declined without giving a reason.',
  expired_card: 'The card has expired.',
  stolen_card: 'The card was reported stolen.',
  processing_error: 'The bank could not process the charge.',
  authentication_required: 'The bank wants the customer to authenticate.',
  authentication_failed: 'The customer did not pass the authentication.',
  cancelled: 'The charge was cancelled before it was paid.',
} as const;
export type DeclineReason = keyof typeof declines;

const failure = z.object({ code: z.string().min(1).max(100), message: z.string().max(500) });
export type ChargeFailure = z.infer<typeof failure>;

const nextAction = z.object({
  type: z.string().min(1).max(100),
  url: z.string().max(2000).nullable(),
  expires_at: z.iso.datetime().nullable(),
});

const common = {
  id: z.string().min(1).max(200),
  idempotency_key: z.string(),
  amount: z.int(),
  currency: z.string(),
  token: z.string(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  created_at: z.iso.datetime(),
};

export const charge = z.discriminatedUnion('status', [
  z.object({ ...common, status: z.literal('succeeded'), failure: z.null(), next_action: z.null() }),
  z.object({ ...common, status: z.literal('failed'), failure, next_action: z.null() }),
  z.object({ ...common, status: z.literal('pending'), failure: z.null(), next_action: z.null() }),
  z.object({
    ...common,
    status: z.literal('requires_action'),
    failure: z.null(),
    next_action: nextAction,
  }),
]);
export type Charge = z.infer<typeof charge>;

export const chargeList = z.object({ data: z.array(charge), has_more: z.boolean() });

/** Everything but a result. */
export const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
