/** Payments as the API shows them. */
import { z } from 'zod';
import {
  attemptStatuses,
  attemptTriggers,
  declineCategories,
  declineCodes,
  paymentKinds,
  paymentStatuses,
} from '../../domain/payment/payment';
import {
  currency,
  customersInstant,
  foreignId,
  foreignText,
  id,
  instant,
  positiveAmount,
  realInstant,
  recordedInstant,
  text,
} from '../fields';
import { pageQuery } from './lists';

export const createPayment = z
  .strictObject({
    customer_id: id,
    subscription_id: id.optional(),
    amount: positiveAmount,
    currency,
    payment_method_id: id.optional().meta({ description: 'Left out: the default one.' }),
    reason: text(500),
  })
  .meta({ id: 'CreatePayment' });
export type CreatePayment = z.infer<typeof createPayment>;

/** Why; kept with the payment. */
export const cancelPayment = z.strictObject({ reason: text(500) }).meta({ id: 'CancelPayment' });
export type CancelPaymentRequest = z.infer<typeof cancelPayment>;

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(', ')}`).optional();

export const listPayments = pageQuery.extend({
  status: oneOf(paymentStatuses),
  customer_id: id.optional(),
  subscription_id: id.optional(),
  category: oneOf(declineCategories).meta({ description: 'An attempt failed with this category.' }),
  from: instant.optional().meta({ description: 'Created at this instant or later, by the customer’s time.' }),
  to: instant.optional().meta({ description: 'Created before this instant, by the customer’s time.' }),
});
export type ListPayments = z.output<typeof listPayments>;

export const attemptFailure = z
  .object({
    category: z.enum(declineCategories),
    code: z.enum(declineCodes),
    provider_code: foreignId.nullable(),
    message: foreignText,
    network_advice: foreignId.nullable(),
  })
  .meta({ id: 'Failure' });

export const paymentAttempt = z
  .object({
    number: z.int(),
    trigger: z.enum(attemptTriggers),
    status: z.enum(attemptStatuses),
    idempotency_key: z.string(),
    provider_reference: z.string().nullable(),
    failure: attemptFailure.nullable(),
    started_at: customersInstant,
    started_recorded_at: realInstant,
    finished_at: customersInstant.nullable(),
    finished_recorded_at: recordedInstant.meta({
      description:
        'Real time at which the outcome was recorded; null: there is none, or an older version recorded it.',
    }),
  })
  .meta({ id: 'PaymentAttempt' });

export const paymentLine = z.object({
  description: z.string(),
  amount: z.int(),
  period: z.object({ start: instant, end: instant }).nullable(),
});

export const nextAction = z.object({
  type: z.string(),
  url: z.string().nullable(),
  expires_at: instant.nullable(),
});

export const payment = z
  .object({
    id: z.string(),
    kind: z.enum(paymentKinds),
    customer_id: z.string(),
    subscription_id: z.string().nullable(),
    period_index: z.int().nullable(),
    currency: z.string(),
    amount: z.int(),
    lines: z.array(paymentLine),
    status: z.enum(paymentStatuses),
    provider: z.string().nullable(),
    payment_method_id: z.string().nullable(),
    next_action: nextAction.nullable(),
    attempts: z.array(paymentAttempt).optional().meta({ description: 'In GET by id, not in lists.' }),
    next_attempt_at: customersInstant.nullable(),
    refunded_amount: z.int().meta({ description: 'What refunds that succeeded gave back, minor units.' }),
    disputed_amount: z.int().meta({
      description:
        'What the provider holds back in open disputes, minor units. 0, too, of a dispute of before the ledger.',
    }),
    lost_amount: z.int().meta({
      description: 'What lost disputes took, minor units: of a part, the payment stays `completed`.',
    }),
    reason: z.string().nullable(),
    renewal_run_id: z.string().nullable().optional().meta({
      description: 'The renewal run that opened it, or made its first attempt; null: none did.',
    }),
    created_at: customersInstant,
    updated_at: realInstant,
    recorded_at: recordedInstant,
  })
  .meta({ id: 'Payment' });
export type Payment = z.infer<typeof payment>;
