/** Subscriptions: the snapshot that the API answers and the events carry, and the calls that change it. */
import { z } from 'zod';
import { maxQuantity } from '../../domain/money';
import { intervalUnits } from '../../domain/calendar';
import { subscriptionStatuses } from '../../domain/subscription/subscription';
import { changeEffects, prorations } from '../../domain/subscription/change';
import { cancelModes, refundModes, resumeBound } from '../../domain/subscription/commands';
import { paymentStatuses } from '../../domain/payment/payment';
import {
  amount,
  customersInstant,
  foreignId,
  foreignText,
  id,
  instant,
  int4,
  metadata,
  reason,
  recordedInstant,
  signedAmount,
  timeZone,
} from '../fields';
import { pageQuery } from './lists';
import { attemptFailure, nextAction, paymentLine } from './payments';

const quantity = z
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(maxQuantity, `must be at most ${maxQuantity}`);

const oneOf = (values: readonly string[]) => `must be one of ${values.join(', ')}`;

export const createSubscription = z
  .strictObject({
    customer_id: id,
    plan_id: id,
    quantity: quantity.optional(),
    payment_method_id: id.optional(),
    trial_days: z.int().min(0).max(730).optional(),
    start_at: instant.optional(),
    time_zone: timeZone.optional(),
    retry_policy_id: id.optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'CreateSubscription' });
export type CreateSubscription = z.output<typeof createSubscription>;

export const pendingChange = z
  .object({
    plan_id: foreignId,
    quantity: int4,
    effective: z.enum(['period_end', 'when_paid']),
    effective_at: instant.nullable().meta({ description: 'null: when its payment is settled.' }),
    payment_id: foreignId.nullable().meta({ description: 'What has to be paid before it holds.' }),
  })
  .meta({ id: 'PendingChange' });

export const subscription = z
  .object({
    id: foreignId,
    customer_id: foreignId,
    plan_id: foreignId,
    quantity: int4,
    status: z.enum(subscriptionStatuses),
    currency: foreignId,
    amount: amount().meta({ description: 'Of one period, minor units.' }),
    balance: signedAmount.meta({
      description: 'Credit carried (negative) or debit lines waiting (positive), minor units.',
    }),
    interval: z.object({ unit: z.enum(intervalUnits), count: int4.min(1) }),
    time_zone: foreignId,
    billing_anchor: instant,
    start_at: instant,
    period: z
      .object({ index: int4, start: instant, end: instant, paid: z.boolean() })
      .nullable()
      .meta({ description: 'Period 0 is the trial; the first paid period is 1.' }),
    trial_end: instant.nullable(),
    cancel_at: instant.nullable(),
    cancelled_at: instant.nullable(),
    paused_at: instant.nullable(),
    resume_at: instant.nullable(),
    pending_change: pendingChange.nullable(),
    payment_method_id: foreignId.nullable(),
    provider: foreignId.nullable(),
    open_payment_id: foreignId.nullable(),
    retry_policy_id: foreignId,
    version: int4,
    test_clock_id: foreignId.nullable(),
    metadata: z.record(foreignId, foreignText),
    created_at: customersInstant,
    recorded_at: recordedInstant.optional(),
  })
  .meta({ id: 'Subscription', description: 'Its instants are the customer’s, save `recorded_at`.' });
export type Subscription = z.infer<typeof subscription>;

export const firstPayment = z
  .object({
    payment_id: foreignId,
    status: z.enum(paymentStatuses),
    amount: amount(),
    currency: foreignId,
  })
  .meta({ id: 'FirstPayment' });
export type FirstPayment = z.infer<typeof firstPayment>;

/** What POST /subscriptions answers. */
export const createdSubscription = subscription
  .extend({
    first_payment: firstPayment
      .extend({ next_action: nextAction.nullable(), failure: attemptFailure.nullable() })
      .nullable(),
  })
  .meta({ id: 'CreatedSubscription' });
export type CreatedSubscription = z.infer<typeof createdSubscription>;

export const listSubscriptions = pageQuery.extend({
  status: z.enum(subscriptionStatuses).optional(),
  customer_id: id.optional(),
  plan_id: id.optional(),
});

export const cancelSubscription = z.strictObject({
  mode: z.enum(cancelModes, oneOf(cancelModes)).default('now'),
  refund: z.enum(refundModes, oneOf(refundModes)).default('none'),
  reason: reason.optional(),
});
export type CancelSubscription = z.output<typeof cancelSubscription>;

const changedFields = {
  plan_id: id.optional(),
  quantity: quantity.optional(),
  payment_method_id: id.optional(),
  metadata: metadata.optional(),
  cancel_at_period_end: z.boolean('must be true or false').optional(),
  effective: z.enum(changeEffects, oneOf(changeEffects)).optional().meta({ description: 'Default: now.' }),
  proration: z
    .enum(prorations, oneOf(prorations))
    .optional()
    .meta({ description: 'Default: next_renewal. What becomes of the period in progress.' }),
  cancel_change: z.boolean('must be true or false').optional().meta({
    description:
      'true: drops the change that waits, for the end of the period or for its charge. A charge that succeeds all the same goes back.',
  }),
  as_of: instant.optional().meta({
    description:
      'The instant that a preview reckoned with, at most 10 minutes ago: with nothing changed meanwhile, refunds included, the change costs what it showed.',
  }),
};

/** What PUT changes; fields that are left out stay. */
export const changeSubscription = z.strictObject(changedFields).meta({ id: 'ChangeSubscription' });
export type ChangeSubscription = z.output<typeof changeSubscription>;

export const pauseSubscription = z
  .strictObject({
    resume_at: instant
      .optional()
      .meta({ description: `When it is resumed by itself: ${resumeBound}, by the customer’s time.` }),
    reason: reason.optional(),
  })
  .meta({ id: 'PauseSubscription' });
export type PauseSubscription = z.output<typeof pauseSubscription>;

export const resumeSubscription = z
  .strictObject({ reason: reason.optional() })
  .meta({ id: 'ResumeSubscription' });

/** What a change would cost. */
export const changePreview = z
  .object({
    as_of: instant.meta({
      description:
        'The instant that it reckons with. Sent as `as_of` within 10 minutes, and with nothing changed meanwhile, refunds included, the change costs this.',
    }),
    lines: z.array(paymentLine),
    due_now: z.object({ amount: z.int(), currency: z.string() }),
    next_renewal: z
      .object({ at: instant, amount: z.int(), currency: z.string() })
      .nullable()
      .meta({ description: 'null: nothing is due by itself, or the subscription ends before.' }),
  })
  .meta({ id: 'ChangePreview' });
export type ChangePreview = z.infer<typeof changePreview>;

/** A period that was opened. */
export const subscriptionPeriod = z
  .object({
    index: z.int().meta({ description: '0 is the trial; the first paid period is 1.' }),
    start: instant,
    end: instant,
    currency: z.string(),
    amount: z.int(),
    paid_at: customersInstant.nullable(),
    paid_recorded_at: recordedInstant.meta({
      description:
        'Real time at which it was recorded as paid; null: it is not, or an older version recorded it.',
    }),
    payment_id: z.string().nullable(),
  })
  .meta({ id: 'SubscriptionPeriod' });
export type SubscriptionPeriod = z.infer<typeof subscriptionPeriod>;
