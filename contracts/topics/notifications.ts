/**
 * What customers are told: the templates of `notifications.requested`, and what `data` holds for each.
 *
 * Invariant: nothing personal. Whoever sends a notification reads the customer's row at that moment.
 */
import { z } from 'zod';
import { finalActions } from '../../domain/retry/policy';
import { amount, currency, instant } from '../fields';

const money = z.object({ amount: amount(), currency });
/** For a payment without a subscription `leave_past_due`: nothing ends with it. */
const finalAction = z.enum(finalActions);

/** By template. */
export const notificationData = {
  /** An attempt failed, and collecting goes on. */
  payment_failed: money.extend({
    attempt: z.int(),
    /** No attempt is made before the customer acts or has another payment method. */
    customer_must_act: z.boolean(),
    next_attempt_at: instant.nullable(),
    final_action: finalAction,
    final_action_at: instant,
  }),
  /** A reminder: what happens when the money does not come. */
  final_action_ahead: money.extend({
    days: z.int(),
    final_action: finalAction,
    final_action_at: instant,
  }),
  /** The money came after all. */
  payment_recovered: money,
  /** It did not, and collecting has ended. */
  final_action_taken: money.extend({ final_action: finalAction }),
} as const satisfies Record<string, z.ZodType>;

export type NotificationTemplate = keyof typeof notificationData;
export type NotificationData<T extends NotificationTemplate = NotificationTemplate> = z.infer<
  (typeof notificationData)[T]
>;
export const notificationTemplates = Object.keys(notificationData) as NotificationTemplate[];

export const languages = ['en', 'ru'] as const;
export type Language = (typeof languages)[number];

/** The body of the outgoing webhook, signed by Standard Webhooks. */
export const notificationWebhook = z.object({
  type: z.string().meta({ description: '`notification.` and the template.' }),
  timestamp: instant,
  data: z.object({
    id: z.string(),
    template: z.enum(notificationTemplates),
    customer_id: z.string(),
    subscription_id: z.string().nullable(),
    payment_id: z.string().nullable(),
    to: z.object({ email: z.string().nullable(), name: z.string().nullable() }),
    language: z.enum(languages),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    values: z.record(z.string(), z.unknown()).meta({ description: '`data` of the event.' }),
  }),
});
export type NotificationWebhook = z.infer<typeof notificationWebhook>;
