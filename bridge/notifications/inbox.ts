/**
 * The inbox of notifications: what is being sent, by whom, and what became of it; mail has no state to judge by.
 *
 * Invariants: a request has one row, by its event's id or, from outside, by what it is about; it is sent by one at a
 * time, who holds a lease (PostgreSQL's clock); once sent, skipped or failed it is never sent again. A lease that runs
 * out with the row still in sending means that its holder died between sending and recording it, or before: it is sent
 * again, under the same name.
 */
import { enqueueAccepted } from '../../billing/external-records';
import { derivedId } from '../../domain/ids';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { Notifier } from './port';

/** Where notifications go; `none`: nowhere. */
export type Channel = Notifier['channel'] | 'none';

export interface Request {
  eventId: string;
  template: string;
  customer_id: string;
  subscription_id: string | null;
  payment_id: string | null;
  requestedAt: string;
  /** Of another service, with the id of its record; null: it is ours. */
  from: { source: string; recordId: string } | null;
}

export interface Claim {
  id: string;
  attempts: number;
  /** How long ago it was first claimed, milliseconds. */
  ageMs: number;
}

/** Another sender is sending it, or was until it died. */
export class InProgress extends Error {
  override readonly name = 'InProgress';
}

export function notificationId(eventId: string): string {
  return derivedId('notification', [eventId]);
}

/** Claims a request. Null: it was concluded before. @throws InProgress */
export async function claim(
  db: Database,
  request: Request,
  channel: Channel,
  leaseMs: number,
): Promise<Claim | null> {
  const { eventId, template, customer_id, subscription_id, payment_id, requestedAt } = request;
  const id = notificationId(eventId);
  // Either key may be the one that another sender has just written, so none is named here.
  const insert = (on: Database | Transaction) => sql(on).execute`
    INSERT INTO notifications (id, event_id, template, customer_id, subscription_id, payment_id, channel,
      requested_at, attempts, lease_until)
    VALUES (${id}, ${eventId}, ${template}, ${customer_id}, ${subscription_id}, ${payment_id}, ${channel},
      ${requestedAt}::timestamptz, 1, clock_timestamp() + ${leaseMs} * interval '1 millisecond')
    ON CONFLICT DO NOTHING`;
  const inserted = await (request.from === null ? insert(db) : insertAudited(db, request, insert));
  if (inserted === 1) return { id, attempts: 1, ageMs: 0 };
  const [claimed] = await sql(db).query<{ attempts: number; age_ms: number }[]>`
    UPDATE notifications SET attempts = attempts + 1, channel = ${channel},
      lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    WHERE id = ${id} AND status = 'sending' AND coalesce(lease_until <= clock_timestamp(), true)
    RETURNING attempts, (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS age_ms`;
  if (claimed !== undefined) return { id, attempts: claimed.attempts, ageMs: claimed.age_ms };
  const row = await db.notification.findUniqueOrThrow({ where: { id } });
  if (row.status === 'sending') throw new InProgress('another sender is sending it');
  return null;
}

/** A request from outside is accepted with its first claim. */
function insertAudited(
  db: Database,
  { from, customer_id, subscription_id, payment_id }: Request,
  insert: (tx: Transaction) => Promise<number>,
): Promise<number> {
  return inTransaction(db, async (tx) => {
    const inserted = await insert(tx);
    if (inserted === 1 && from !== null) {
      const actor = { kind: 'external', id: from.source, reason: null } as const;
      const [subject] = [
        { type: 'payment', id: payment_id },
        { type: 'subscription', id: subscription_id },
      ].flatMap(({ type, id }) => (id === null ? [] : [{ type, id }]));
      const about = subject ?? { type: 'customer', id: customer_id };
      enqueueAccepted(tx, 'notifications.requested', { id: from.recordId }, actor, about);
    }
    return inserted;
  });
}

export type Conclusion =
  | { status: 'sent'; messageId: string }
  | { status: 'skipped'; reason: string }
  | { status: 'failed'; reason: string };

/** What became of it. What stands already stays. */
export async function conclude(db: Database, { id }: Claim, conclusion: Conclusion): Promise<void> {
  const messageId = conclusion.status === 'sent' ? conclusion.messageId : null;
  const reason = conclusion.status === 'sent' ? null : conclusion.reason;
  await sql(db).execute`
    UPDATE notifications SET status = ${conclusion.status}, reason = ${reason}, message_id = ${messageId},
      lease_until = NULL, sent_at = CASE WHEN ${conclusion.status} = 'sent' THEN clock_timestamp() END
    WHERE id = ${id} AND status = 'sending'`;
}

/** It was not taken this time: the next sender may try at once. */
export async function release(db: Database, { id, attempts }: Claim): Promise<void> {
  await db.notification.updateMany({
    where: { id, status: 'sending', attempts },
    data: { lease_until: null },
  });
}
