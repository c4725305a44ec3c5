/** Stripe’s events as they are sent, and their signatures. */
import StripeLibrary from 'stripe';
import type { WebhookRequest } from '../../../domain/payment/webhook';
import { takenIntent } from './contract/stripe-wire';

export const secret = 'whsec_test_secret';
export const now = new Date('2027-03-01T09:00:00.000Z');
export const nowSeconds = now.getTime() / 1_000;

/** Stripe’s header for a body, by Stripe’s own library. */
export function headerFor(payload: string, timestamp = nowSeconds, by = secret): string {
  return StripeLibrary.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });
}

export function requestWith(body: string | Buffer, ...signatures: string[]): WebhookRequest {
  return { body: Buffer.from(body), headers: { 'stripe-signature': signatures }, sourceAddress: null };
}

export function event(type: string, object: object, more: object = {}): object {
  return {
    id: 'evt_1',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: nowSeconds,
    livemode: false,
    pending_webhooks: 1,
    request: { id: 'req_1', idempotency_key: 'pay_1/2' },
    type,
    data: { object },
    ...more,
  };
}

const declined = {
  ...takenIntent,
  amount_received: 0,
  status: 'requires_payment_method',
  last_payment_error: { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds' },
};
const dispute = {
  object: 'dispute',
  id: 'du_1',
  amount: 1500,
  currency: 'eur',
  charge: 'ch_1',
  payment_intent: 'pi_1',
  reason: 'fraudulent',
  status: 'needs_response',
};
const refund = {
  object: 'refund',
  id: 're_1',
  amount: 500,
  currency: 'eur',
  charge: 'ch_1',
  payment_intent: 'pi_1',
  status: 'succeeded',
  metadata: { payment_id: 'pay_1', idempotency_key: 'pay_1/refund/1' },
};

export const objects = { taken: takenIntent, declined, dispute, refund };
