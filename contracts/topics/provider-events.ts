/**
 * What a provider told by webhook, in one form for all providers: adapters write it, the ledger keeps it, the Payment
 * Service judges by it.
 *
 * Invariant: whatever a provider sends, every text here can be stored by PostgreSQL and shown in a log or an id.
 */
import { z } from 'zod';
import { attemptStatuses } from '../../domain/payment/payment';
import { attemptFailure } from '../http/payments';

/** Printable ASCII without spaces, as providers' ids and names of types are. */
export const providerText = (maxLength: number) =>
  z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${maxLength}}$`));

/** What is told of an attempt. */
export const reportedOutcome = z.object({
  status: z.enum(attemptStatuses),
  attempt: z.int(),
  amount: z.int(),
  currency: z.string(),
  provider_reference: z.string().nullable(),
  failure: attemptFailure.nullable(),
});
export type ReportedOutcome = z.infer<typeof reportedOutcome>;

export const providerEvent = z.object({
  id: providerText(200),
  type: providerText(100),
  /** null: about nothing of ours, or only `refund.charge_reference` leads to it. */
  payment_id: z.string().nullable(),
  /** null: it says nothing about an attempt. */
  outcome: reportedOutcome.nullable(),
  /** The customer's bank took the money back, or tries to. */
  dispute: z.object({ provider_reference: z.string(), amount: z.int(), currency: z.string() }).nullable(),
  refund: z
    .object({
      provider_reference: z.string(),
      charge_reference: z.string(),
      /** That it was asked for with, where the provider tells. */
      idempotency_key: z.string().nullable().optional(),
      amount: z.int(),
      status: z.enum(['pending', 'succeeded', 'failed']),
    })
    .nullable(),
});
export type ProviderEvent = z.infer<typeof providerEvent>;
