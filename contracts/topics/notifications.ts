/**
 * Notifications to customers: the templates of `notifications.requested`, what each is about, and its `data`.
 *
 * A new template is an entry here, its texts (`bridge/notifications/texts-*.ts`) and the function that requests it.
 * Invariant: nothing personal. The customer's row is read at the moment of sending.
 */
import { z } from 'zod';
import { finalActions } from '../../domain/retry/policy';
import { amount, currency, instant, int4 } from '../fields';

const money = z.object({ amount: amount(), currency });
/** For a payment without a subscription `leave_past_due`: nothing ends with it. */
const finalAction = z.enum(finalActions);

/**
 * What a notification is about. `payment`: `payment_id` is set, and the money of `data` is the payment's.
 * `subscription`: `subscription_id` is set. `customer`: neither is.
 */
export type NotificationSubject = 'payment' | 'subscription' | 'customer';

type Definition =
  | {
      subject: 'payment';
      data: z.ZodType<z.infer<typeof money>>;
      /** Not sent a day later, if the payment has been settled by then. */
      outdatedWhenSettled: boolean;
    }
  | { subject: 'subscription' | 'customer'; data: z.ZodType<object> };

export const notificationTemplates = {
  /** An attempt failed, and dunning goes on. */
  payment_failed: {
    subject: 'payment',
    outdatedWhenSettled: true,
    data: money.extend({
      attempt: int4,
      /** No attempt is made before the customer acts or has another payment method. */
      customer_must_act: z.boolean(),
      next_attempt_at: instant.nullable(),
      final_action: finalAction,
      final_action_at: instant,
    }),
  },
  /** A reminder: what happens unless the payment is paid. */
  final_action_ahead: {
    subject: 'payment',
    outdatedWhenSettled: true,
    data: money.extend({ days: int4, final_action: finalAction, final_action_at: instant }),
  },
  /** The payment was paid after all. */
  payment_recovered: { subject: 'payment', outdatedWhenSettled: false, data: money },
  /** It was not, and dunning has ended. */
  final_action_taken: {
    subject: 'payment',
    outdatedWhenSettled: false,
    data: money.extend({ final_action: finalAction }),
  },
} as const satisfies Record<string, Definition>;

export type NotificationTemplate = keyof typeof notificationTemplates;
export type NotificationData<T extends NotificationTemplate> = z.infer<
  (typeof notificationTemplates)[T]['data']
>;
export const notificationTemplateNames = Object.keys(notificationTemplates) as NotificationTemplate[];

/** Whether there is such a template. */
export function isNotificationTemplate(name: unknown): name is NotificationTemplate {
  return typeof name === 'string' && Object.hasOwn(notificationTemplates, name);
}

export const languages = ['en', 'ru'] as const;
export type Language = (typeof languages)[number];

/** The body of the outgoing webhook, signed by Standard Webhooks. */
export const notificationWebhook = z.object({
  type: z.string().meta({ description: '`notification.` and the template.' }),
  timestamp: instant,
  data: z.object({
    id: z.string(),
    template: z.enum(notificationTemplateNames),
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
