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

/** `opened` takes the money, `won` gives it back, `lost` is for good, though a bank may change its mind later. */
export const reportedDisputeStatuses = ['opened', 'won', 'lost', 'inquiry'] as const;

/** The customer's bank took the money back, gives it back, or asks about it. */
export const reportedDispute = z.object({
  /** Of the charge; where `payment_id` is null, only this leads to the payment. */
  provider_reference: z.string(),
  /** What is disputed, as the provider says: it may be more or less than what is left of the charge. */
  amount: z.int(),
  currency: z.string(),
  /** Of the dispute itself. Left out by events of before there was more than one word about a dispute. */
  dispute_reference: providerText(200).optional(),
  /** Left out: opened. An inquiry moves no money, whatever becomes of it. */
  status: z.enum(reportedDisputeStatuses).optional(),
  /** The bank's reason, in the provider's words. */
  reason: providerText(100).optional(),
});
export type ReportedDispute = z.infer<typeof reportedDispute>;

export const providerEvent = z.object({
  id: providerText(200),
  type: providerText(100),
  /** When it happened, by the provider's clock: of two words about one thing, the later one holds. */
  occurred_at: z.iso.datetime().optional(),
  /** null: about nothing of ours, or only the charge's name in `refund` or `dispute` leads to it. */
  payment_id: z.string().nullable(),
  /** null: it says nothing about an attempt. */
  outcome: reportedOutcome.nullable(),
  dispute: reportedDispute.nullable(),
  /** One that nobody here asked for was made at the provider; it has no key of ours. */
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
  /**
   * Of what may concern us, and has another shape than is known: why it cannot be read. Left out: it was read, or is about
   * nothing of ours. `charge_reference` as in `refund`; without it and `payment_id` it is not known whose it is.
   */
  unreadable: z.object({ reason: z.string(), charge_reference: z.string().nullable() }).optional(),
});
export type ProviderEvent = z.infer<typeof providerEvent>;

/** The provider's name of the charge that a word about a refund or a dispute is about; undefined for every other. */
export function chargeReferenceOf({ refund, dispute, unreadable }: ProviderEvent): string | undefined {
  return refund?.charge_reference ?? dispute?.provider_reference ?? unreadable?.charge_reference ?? undefined;
}
