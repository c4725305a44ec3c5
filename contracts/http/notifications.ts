/** Notifications: what customers were told, for operators. Never what it said, nor to which address it went. */
import { z } from 'zod';
import { customersInstant, id, realInstant } from '../fields';
import { pageQuery } from './lists';

export const notificationStatuses = ['sending', 'sent', 'skipped', 'failed'] as const;

export const listNotifications = pageQuery.extend({
  customer_id: id.optional(),
  subscription_id: id.optional(),
  status: z.enum(notificationStatuses, `must be one of ${notificationStatuses.join(', ')}`).optional(),
});

export const notification = z
  .object({
    id: z.string(),
    event_id: z.string(),
    template: z.string(),
    customer_id: z.string(),
    subscription_id: z.string().nullable(),
    payment_id: z.string().nullable(),
    channel: z.string().meta({ description: 'NOTIFY_TRANSPORT when it was taken up.' }),
    status: z.enum(notificationStatuses).meta({
      description:
        'sending: not taken by anybody yet, and tried again. sent: the mail server, or the receiver of the webhook, has it. skipped: nobody was to get it. failed: refused for good, or given up.',
    }),
    reason: z.string().nullable().meta({ description: 'Why it was skipped or failed.' }),
    attempts: z.int(),
    message_id: z
      .string()
      .nullable()
      .meta({ description: 'Message-ID of the mail, name of the file, or `webhook-id`.' }),
    at: customersInstant.meta({ description: 'When it was asked for, by the customer’s time.' }),
    requested_at: realInstant,
    sent_at: realInstant.nullable(),
  })
  .meta({ id: 'Notification' });
export type Notification = z.infer<typeof notification>;
