/**
 * The ledger of webhooks: what a provider told is stored once, together with its event and, when it says that an
 * attempt of ours failed, with that attempt's outcome.
 *
 * Owns: rows of `webhook_deliveries` up to their being processed (`process-delivery.ts`). Invariants: UNIQUE provider
 * and provider event id, so a repeat writes nothing; a delivery comes first in the lock order (delivery, subscription,
 * payment, attempt, outbox); what is stored and not processed is found by reconciliation (`stuck-work.ts`) and told again.
 */
import { chargeReferenceOf, providerEvent, type ProviderEvent } from '../../contracts/topics/provider-events';
import { writeEnvelope, type NewEvent } from '../../contracts/topics/envelope';
import type { AttemptOutcome } from '../../domain/payment/payment';
import { webhookEventId } from '../../domain/event-ids';
import { derivedId } from '../../domain/ids';
import { outcomeOfReport } from '../../domain/payment/reported-outcome';
import { derivedTrace, type TraceContext } from '../../domain/trace';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { appendToOutbox } from '../outbox';
import { lockDelivery } from '../locks';
import type { DeliveryRow } from '../rows';
import { findPaymentOfCharge } from '../payment/attempt-store';
import { settleAttempt } from '../payment/settle-attempt';
import { storeDelivery } from './intake';
import { enqueueReplay, findPaymentKey, findReceived, insertDelivery } from './store';

export interface ReceivedWebhook {
  provider: string;
  event: ProviderEvent;
  /** As it came. */
  body: Buffer;
  /** Without signatures and secrets. */
  headers: Readonly<Record<string, string>>;
  receivedAt: Date;
  /** Of the call that brought it. */
  trace: TraceContext;
  /** Whether the provider sent it; else what it reports belongs to the trace of the attempt that it is about. */
  isTraceSent: boolean;
}

/** Stores an event that its provider signed. @returns `duplicate` when it was stored before; nothing is written then */
export async function storeWebhook(db: Database, webhook: ReceivedWebhook): Promise<'stored' | 'duplicate'> {
  const paymentId = await paymentOf(db, webhook.provider, webhook.event);
  const settlement = await failureToSettle(db, webhook, paymentId);
  return settlement === null ? storeOnly(db, webhook, paymentId) : storeSettling(db, webhook, settlement);
}

/**
 * Finds the payment that an event is about. Refunds and disputes name their charge only.
 * @returns null for nothing of ours, or a charge that no attempt is known to have made yet
 */
export async function paymentOf(
  on: Database | Transaction,
  provider: string,
  event: ProviderEvent,
): Promise<string | null> {
  const reference = chargeReferenceOf(event);
  if (event.payment_id !== null || reference === undefined) return event.payment_id;
  return findPaymentOfCharge(on, provider, reference);
}

interface FailureToSettle {
  paymentId: string;
  attempt: number;
  outcome: Extract<AttemptOutcome, { status: 'failed' }>;
  /** Of the payment's events. */
  key: string;
}

/** When the event says that an attempt which this provider was asked for has failed, and nobody knew. */
async function failureToSettle(
  db: Database,
  { provider, event: { outcome: reported } }: ReceivedWebhook,
  paymentId: string | null,
): Promise<FailureToSettle | null> {
  if (paymentId === null || reported?.status !== 'failed') return null;
  const row = await db.paymentAttempt.findUnique({
    where: { payment_id_number: { payment_id: paymentId, number: reported.attempt } },
    include: { payment: { select: { subscription_id: true } } },
  });
  if (row === null || row.settled_at !== null || row.provider !== provider) return null;
  const outcome = outcomeOfReport(reported, { amount: Number(row.amount), currency: row.currency });
  if (outcome?.status !== 'failed') return null;
  return { paymentId, attempt: row.number, outcome, key: row.payment.subscription_id ?? paymentId };
}

async function storeOnly(
  db: Database,
  webhook: ReceivedWebhook,
  paymentId: string | null,
): Promise<'stored' | 'duplicate'> {
  const row = rowOf(webhook, paymentId);
  // The statement finds the key: of the payment where it is known, else the event's own id.
  const event = receivedEvent(webhook, row, null);
  return storeDelivery(db, {
    ...row,
    event_id: event.id,
    payload: writeEnvelope(event, webhook.receivedAt),
  });
}

async function storeSettling(
  db: Database,
  webhook: ReceivedWebhook,
  { paymentId, attempt, outcome, key }: FailureToSettle,
): Promise<'stored' | 'duplicate'> {
  return inTransaction(db, async (tx) => {
    const row = rowOf(webhook, paymentId);
    if (!(await insertDelivery(tx, row))) return 'duplicate';
    const origin = { source: '/webhook-handler', trace: row.trace } as const;
    await settleAttempt(tx, paymentId, attempt, outcome, 'webhook', origin);
    appendToOutbox(tx, receivedEvent(webhook, row, key), webhook.receivedAt);
    return 'stored';
  });
}

function rowOf(webhook: ReceivedWebhook, paymentId: string | null) {
  const { provider, event, body, headers, receivedAt, trace, isTraceSent } = webhook;
  return {
    id: derivedId('webhook_delivery', [provider, event.id]),
    provider,
    provider_event_id: event.id,
    event_type: event.type,
    payment_id: paymentId,
    body,
    headers: { ...headers },
    event: { ...event, payment_id: paymentId },
    trace: isTraceSent ? trace : null,
    created_at: receivedAt,
  };
}

/** @param key of the payment's events; null: the event's own id */
function receivedEvent(
  {
    provider,
    event,
    receivedAt,
    trace,
  }: Pick<ReceivedWebhook, 'provider' | 'event' | 'receivedAt' | 'trace'>,
  delivery: { id: string; payment_id: string | null },
  key: string | null,
  replays = 0,
): NewEvent<'webhooks.received'> {
  return {
    topic: 'webhooks.received',
    id: webhookEventId(provider, event.id, replays),
    source: '/webhook-handler',
    subject: delivery.id,
    key: key ?? webhookEventId(provider, event.id),
    trace,
    data: {
      delivery_id: delivery.id,
      provider,
      provider_event_id: event.id,
      event_type: event.type,
      payment_id: delivery.payment_id,
      outcome: event.outcome,
      received_at: receivedAt.toISOString(),
    },
  };
}

/** Reads a webhook again that was received before; null: its provider is not there any more. */
export type ReadAgain = (
  provider: string,
  received: { body: Buffer; headers: Readonly<Record<string, string>> },
) => ProviderEvent | null;

/** What a replay goes by. */
export interface Replaying {
  /** Reads what could not be read, as long as its bytes are kept. */
  readAgain: ReadAgain;
  /** Of the call that asks for it; null: nobody's, the delivery keeps its own. */
  trace: TraceContext | null;
}

/**
 * Publishes a stored event once more for the Payment Service, whatever became of it the first time. Its effects stay
 * once: they are decided by the rows.
 * @param how left out: what could not be read stays so, and the delivery keeps its trace
 * @returns null when there is no such delivery
 */
export async function replayDelivery(
  tx: Transaction,
  deliveryId: string,
  { readAgain = () => null, trace = null }: Partial<Replaying> = {},
): Promise<DeliveryRow | null> {
  const locked = await lockDelivery(tx, deliveryId);
  if (locked === null) return null;
  const event = await eventToReplay(tx, locked, readAgain);
  const row: DeliveryRow = {
    ...locked,
    event_type: event.type,
    payment_id: locked.payment_id ?? event.payment_id,
    status: 'stored',
    outcome: null,
    processed_at: null,
    replays: locked.replays + 1,
    trace: trace === null ? locked.trace : { ...trace },
  };
  enqueueReplay(tx, deliveryId, event, row.trace);
  const key = row.payment_id === null ? null : await findPaymentKey(tx, row.payment_id);
  const webhook = {
    provider: row.provider,
    event,
    receivedAt: row.created_at,
    trace: row.trace ?? derivedTrace(['webhook', row.id]),
  };
  appendToOutbox(tx, receivedEvent(webhook, row, key, row.replays), await databaseNow(tx));
  return row;
}

/** The event as it was read, or as it can be read now. It keeps the name that it was stored under. */
async function eventToReplay(
  tx: Transaction,
  { id, provider, provider_event_id, event: stored }: DeliveryRow,
  readAgain: ReadAgain,
): Promise<ProviderEvent> {
  const known = providerEvent.parse(stored);
  if (known.unreadable === undefined) return known;
  const received = await findReceived(tx, id);
  const fresh = received === null ? null : readAgain(provider, received);
  if (fresh === null) return known;
  return { ...fresh, id: provider_event_id, payment_id: await paymentOf(tx, provider, fresh) };
}
