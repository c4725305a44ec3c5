/**
 * Group payment-service: what a new subscription, an ended one, a requested payment and a webhook mean for payments.
 *
 * Invariant: each effect is judged by the payment's row, so records may come twice, late, and in any order.
 */
import type { ExternalRules } from '../../billing/external-records';
import { announceFirstPayment } from '../../billing/payment/announce-first';
import { reserveRefunds } from '../../billing/payment/cancellation-refunds';
import { acceptRequested } from '../../billing/payment/requested-payments';
import { stopPayment } from '../../billing/payment/stop-payment';
import { processWebhook } from '../../billing/webhook/process-webhook';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { Handlers } from '../consumer/consumer';
import { prompt, type PromptDependencies } from './messages';

export interface PaymentServiceDependencies extends PromptDependencies {
  /** What other services may ask for. */
  external: ExternalRules;
}

export function paymentServiceHandlers(deps: PaymentServiceDependencies): Handlers {
  const { db, external } = deps;
  return {
    'subscriptions.created': async (event) => prompt(deps, event, await announceFirstPayment(db, event.data)),
    'subscriptions.cancelled': (event) => onCancelled(deps, event),
    'payments.requested': async (event) => prompt(deps, event, await acceptRequested(db, event, external)),
    'webhooks.received': async (event) =>
      prompt(deps, event, await processWebhook(db, event.data.delivery_id)),
  };
}

/**
 * Stops the payments that were open. What was taken after all, and what the cancellation gives back, is reserved here;
 * the payments' own processes pay it out.
 */
async function onCancelled(
  deps: PaymentServiceDependencies,
  event: ReadEvent<'subscriptions.cancelled'>,
): Promise<void> {
  const { open, refunding } = await reserveRefunds(deps.db, event.data);
  for (const paymentId of open) await prompt(deps, event, await stopPayment(deps.db, paymentId));
  await prompt(
    deps,
    event,
    refunding.map((paymentId) => ({ kind: 'refresh_payment', payment_id: paymentId })),
  );
}
