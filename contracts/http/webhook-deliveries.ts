/** Webhook deliveries: what providers told us, for operators. */
import { z } from 'zod';
import { id, realInstant, text } from '../fields';
import { pageQuery } from './lists';

export const deliveryStatuses = ['stored', 'processed', 'ignored', 'failed'] as const;

export const listWebhookDeliveries = pageQuery.extend({
  provider: id.optional(),
  status: z.enum(deliveryStatuses, `must be one of ${deliveryStatuses.join(', ')}`).optional(),
  payment_id: id.optional(),
});

/** Why an operator does it; kept with the actor. */
export const replayWebhookDelivery = z
  .strictObject({ reason: text(500).optional() })
  .meta({ id: 'ReplayWebhookDelivery' });

export const webhookDelivery = z
  .object({
    id: z.string(),
    provider: z.string(),
    provider_event_id: z.string(),
    event_type: z.string(),
    payment_id: z.string().nullable(),
    status: z.enum(deliveryStatuses).meta({
      description:
        'stored: the Payment Service has not seen it yet. processed: it was used. ignored: it changes nothing. failed: a person should look.',
    }),
    outcome: z.string().nullable().meta({ description: 'What became of it, in words.' }),
    received_at: realInstant,
    processed_at: realInstant.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
export type WebhookDelivery = z.infer<typeof webhookDelivery>;

/** With what was received. */
export const wholeWebhookDelivery = webhookDelivery
  .extend({
    body: z.string().nullable().meta({ description: 'As it came; null once it was forgotten.' }),
    headers: z.record(z.string(), z.string()).meta({ description: 'Without signatures and secrets.' }),
  })
  .meta({ id: 'WholeWebhookDelivery' });
export type WholeWebhookDelivery = z.infer<typeof wholeWebhookDelivery>;
