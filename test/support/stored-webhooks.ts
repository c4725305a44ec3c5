/** Webhooks in the ledger, and the records that tell of them, without a broker between. */
import type { Client } from '@temporalio/client';
import { paymentServiceHandlers } from '../../bridge/consumers/payment-service';
import type { ReportedDispute } from '../../contracts/topics/provider-events';
import type { TraceContext } from '../../domain/trace';
import { failure } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import { storeWebhook } from '../../billing/webhook/deliveries';
import { WorkflowClient } from '../../temporal/client';
import { nothingOutside } from './outside';
import { someTrace } from './trace';

const receivedAt = new Date('2027-03-01T09:00:00.000Z');

export interface Reported {
  status?: 'completed' | 'failed' | 'pending';
  attempt?: number;
  amount?: number;
  currency?: string;
  provider?: string;
  type?: string;
  /** The charge that it is about. */
  reference?: string;
  dispute?: boolean | Partial<ReportedDispute>;
  refund?: { idempotency_key: string | null; amount: number; status?: 'pending' | 'succeeded' | 'failed' };
  /** About the payment, and about no attempt. */
  nothing?: boolean;
  /** When it happened, by the provider's clock, RFC 3339; left out: it does not say. */
  at?: string;
  /** That the provider sends; left out: none. */
  trace?: TraceContext;
}

/** A record of webhooks.received. */
interface Message {
  /** Without the `/again/…` of a replay. */
  eventId: string;
  deliveryId: string;
  data: { delivery_id: string };
}

export interface Webhooks {
  /** A webhook as the API stores it; null: about nothing of ours. */
  stored(paymentId: string | null, reported?: Reported): Promise<Message>;
  /** The record that tells of an event. */
  record(eventId: string): Promise<Message>;
  /** What group payment-service does with the record. */
  consume(record: { data: { delivery_id: string } }): Promise<void>;
}

export function webhooksOf(db: Database, client: Client): Webhooks {
  let events = 0;
  const handle = paymentServiceHandlers({
    db,
    client: new WorkflowClient(client),
    times: { incompleteHours: 23 },
    external: nothingOutside,
  })['webhooks.received'];
  if (handle === undefined) throw new Error('nobody handles webhooks.received');
  const record = async (eventId: string): Promise<Message> => {
    const row = await db.outboxEvent.findUniqueOrThrow({ where: { event_id: eventId } });
    const { data } = JSON.parse(row.payload ?? '{}') as Pick<Message, 'data'>;
    return { eventId, deliveryId: data.delivery_id, data };
  };
  return {
    record,
    async stored(paymentId, reported = {}) {
      events += 1;
      const { provider = 'sandbox' } = reported;
      await storeWebhookOf(db, `evt_${events}`, paymentId, reported);
      return record(`${provider}/evt_${events}`);
    },
    consume: ({ data }) =>
      handle({ id: 'x', subject: undefined, time: '', trace: someTrace, data: data as never }),
  };
}

/** Stores a webhook as the API does. @returns the id of its delivery */
export async function storeWebhookOf(
  db: Database,
  eventId: string,
  paymentId: string | null,
  reported: Reported = {},
): Promise<string> {
  const { provider = 'sandbox', trace } = reported;
  const event = eventOf(eventId, paymentId, reported);
  const traced = { trace: trace ?? someTrace, isTraceSent: trace !== undefined };
  await storeWebhook(db, { provider, event, body: Buffer.from('{}'), headers: {}, receivedAt, ...traced });
  const name = { provider, provider_event_id: eventId };
  return (await db.webhookDelivery.findUniqueOrThrow({ where: { provider_provider_event_id: name } })).id;
}

function eventOf(id: string, paymentId: string | null, reported: Reported) {
  const { status = 'completed', attempt = 1, amount = 1000, currency = 'EUR' } = reported;
  const reference = reported.reference ?? 'ch_1';
  const about = { amount, currency, provider_reference: reference };
  const declined = status === 'failed' ? failure('insufficient_funds', 'No funds.') : null;
  return {
    id,
    type: reported.type ?? 'charge.succeeded',
    ...(reported.at !== undefined && { occurred_at: reported.at }),
    payment_id: paymentId,
    outcome:
      paymentId === null || reported.dispute || reported.refund || reported.nothing
        ? null
        : { status, attempt, ...about, failure: declined },
    dispute: reported.dispute ? { ...about, ...(reported.dispute === true ? {} : reported.dispute) } : null,
    refund: reported.refund
      ? {
          status: 'succeeded' as const,
          ...reported.refund,
          provider_reference: 're_1',
          charge_reference: reference,
        }
      : null,
  };
}
