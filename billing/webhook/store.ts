/** Statements on stored webhooks, save the one that stores many at once (`intake.ts`). */
import type { ProviderEvent } from '../../contracts/topics/provider-events';
import type { TraceContext } from '../../domain/trace';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { exceptLocked } from '../locks';

export interface NewDelivery {
  id: string;
  provider: string;
  provider_event_id: string;
  event_type: string;
  payment_id: string | null;
  body: Buffer;
  headers: object;
  event: object;
  /** That the provider sent; null: none. */
  trace: TraceContext | null;
  created_at: Date;
}

/** Stores a webhook. @returns false when its event was stored before; nothing is written then */
export async function insertDelivery(tx: Transaction, delivery: NewDelivery): Promise<boolean> {
  const { id, provider, provider_event_id, event_type, payment_id, body, headers, event, trace, created_at } =
    delivery;
  const written = await sql(tx).execute`
    INSERT INTO webhook_deliveries
      (id, provider, provider_event_id, event_type, payment_id, body, headers, event, trace, created_at)
    VALUES (${id}, ${provider}, ${provider_event_id}, ${event_type}, ${payment_id}, ${body},
      ${JSON.stringify(headers)}::jsonb, ${JSON.stringify(event)}::jsonb,
      ${trace === null ? null : JSON.stringify(trace)}::jsonb, ${created_at})
    ON CONFLICT DO NOTHING`;
  return written > 0;
}

/** What a stored webhook meant for our payments. */
export interface Verdict {
  status: 'processed' | 'ignored' | 'failed';
  /** For people. */
  outcome: string;
}

/** Records what a stored webhook meant. @param paymentId whose payment it turned out to be about */
export function enqueueVerdict(
  tx: Transaction,
  deliveryId: string,
  { status, outcome }: Verdict,
  paymentId: string | null,
): void {
  sql(tx).enqueue`
    UPDATE webhook_deliveries SET status = ${status}, outcome = ${outcome}, processed_at = clock_timestamp(),
      payment_id = coalesce(payment_id, ${paymentId})
    WHERE id = ${deliveryId}`;
}

/**
 * Opens a stored webhook again, to be processed once more.
 * @param event as it was read, now or before
 * @param trace that what follows carries; null: none
 */
export function enqueueReplay(
  tx: Transaction,
  deliveryId: string,
  event: { type: string; payment_id: string | null },
  trace: TraceContext | null,
): void {
  sql(tx).enqueue`
    UPDATE webhook_deliveries SET status = 'stored', outcome = NULL, processed_at = NULL, replays = replays + 1,
      event_type = ${event.type}, event = ${JSON.stringify(event)}::jsonb,
      payment_id = coalesce(payment_id, ${event.payment_id}),
      trace = ${trace === null ? null : JSON.stringify(trace)}::jsonb
    WHERE id = ${deliveryId}`;
}

/**
 * Whether a webhook of a later instant about the same refund, or the same dispute, was used already: of two about one
 * thing, the later one holds. Providers send them in any order.
 */
export async function isOvertaken(
  tx: Transaction,
  provider: string,
  { payment_id: paymentId, occurred_at: at, refund, dispute }: ProviderEvent,
): Promise<boolean> {
  const of = refund?.provider_reference ?? dispute?.dispute_reference;
  if (at === undefined || of === undefined) return false;
  const about = refund === null ? '{dispute,dispute_reference}' : '{refund,provider_reference}';
  const later = await sql(tx).query<object[]>`
    SELECT 1 FROM webhook_deliveries
    WHERE payment_id = ${paymentId} AND provider = ${provider} AND status IN ('processed', 'ignored')
      AND event #>> ${about}::text[] = ${of} AND (event ->> 'occurred_at')::timestamptz > ${at}::timestamptz LIMIT 1`;
  return later.length > 0;
}

/** What was received, as it came. Null once its bytes are forgotten. */
export async function findReceived(
  tx: Transaction,
  deliveryId: string,
): Promise<{ body: Buffer; headers: Record<string, string> } | null> {
  const [row] = await sql(tx).query<{ body: Buffer; headers: Record<string, string> }[]>`
    SELECT body, headers FROM webhook_deliveries WHERE id = ${deliveryId} AND body IS NOT NULL`;
  return row ?? null;
}

/** Reads the key of a payment's events: its subscription, or the payment itself. Null when there is no such payment. */
export async function findPaymentKey(tx: Transaction, paymentId: string): Promise<string | null> {
  const [row] = await sql(tx).query<{ key: string }[]>`
    SELECT coalesce(subscription_id, id) AS key FROM payments WHERE id = ${paymentId}`;
  return row?.key ?? null;
}

/** Forgets the bodies of deliveries from before `before`, at most `limit`. @returns how many */
export async function forgetBodies(db: Database, before: Date, limit: number): Promise<number> {
  return sql(db).execute`
    UPDATE webhook_deliveries SET body = NULL
    WHERE id IN (
      SELECT id FROM webhook_deliveries WHERE body IS NOT NULL AND created_at < ${before}
      ORDER BY created_at LIMIT ${limit} ${exceptLocked}
    )`;
}
