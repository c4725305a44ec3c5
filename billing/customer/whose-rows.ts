/** Which rows of a table are a customer's: the SQL of each owner in the list of personal data. */
import { hasFormOf } from '../../domain/ids';
import type { Owner } from '../../domain/personal-columns';
import { Prisma } from '../../prisma/generated/client';
import { answerType, auditedType, eventType, isAbout, keyType } from '../subject-types';

/** Everything of the customer's that another row may be about, by kind and id. */
function mine(customerId: string): Prisma.Sql {
  return Prisma.sql`
    own_payments AS MATERIALIZED (SELECT id FROM payments WHERE customer_id = ${customerId}),
    things AS MATERIALIZED (
      SELECT 'customer' AS kind, ${customerId}::text AS id
      UNION ALL SELECT 'subscription', id FROM subscriptions WHERE customer_id = ${customerId}
      UNION ALL SELECT 'payment', id FROM own_payments
      UNION ALL SELECT 'payment_method', id FROM payment_methods WHERE customer_id = ${customerId}
      UNION ALL SELECT 'refund', id FROM refunds WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT 'dispute', id FROM disputes WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT 'retry_request', id FROM retry_requests WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT 'webhook_delivery', id FROM webhook_deliveries WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT 'notification', id FROM notifications WHERE customer_id = ${customerId}
    ),
    bulk AS MATERIALIZED (
      SELECT DISTINCT bulk_retry_id AS id FROM bulk_retry_payments AS selected
      WHERE payment_id IN (SELECT id FROM own_payments) AND NOT EXISTS (
        SELECT FROM bulk_retry_payments AS other WHERE other.bulk_retry_id = selected.bulk_retry_id
          AND other.payment_id NOT IN (SELECT id FROM own_payments))
    ),
    mine AS MATERIALIZED (
      SELECT kind, id FROM things
      UNION ALL SELECT 'bulk_retry', id FROM bulk
      UNION ALL SELECT 'operator_task', t.id FROM operator_tasks AS t WHERE ${aboutThings(Prisma.sql`t.subject_type`, Prisma.sql`t.subject_id`)}
      UNION ALL SELECT 'dead_letter', t.id FROM dead_letters AS t WHERE ${aboutThings(keyType, Prisma.sql`t.key`)}
    )`;
}

/**
 * What a webhook of a customer's holds that names no payment: whole JSON strings, so that a short id finds no other text. An
 * id that the customer's maker chose may be any word; it counts only where the JSON says that it is a customer's.
 */
function needles(customerId: string): Prisma.Sql {
  const quoted = customerId.replace(/[.]/g, String.raw`\.`);
  const place = hasFormOf('customer', customerId)
    ? null
    : String.raw`"[^"]*[cC]ustomer[^"]*"\s*:\s*(\[[^]]*|\{[^}]*"id"\s*:\s*)?"${quoted}"`;
  return Prisma.sql`
    needles AS MATERIALIZED (
      SELECT convert_to(to_json(needle)::text, 'UTF8') AS needle, place FROM (
        SELECT ${customerId}::text AS needle, ${place}::text AS place
        UNION SELECT provider_customer, NULL FROM payment_methods WHERE customer_id = ${customerId}
        UNION SELECT token, NULL FROM payment_methods WHERE customer_id = ${customerId} AND token <> 'erased'
      ) AS known WHERE needle IS NOT NULL
    )`;
}

/** Whether bytes hold one of the needles. */
const mentions = (bytes: Prisma.Sql): Prisma.Sql => Prisma.sql`EXISTS (
  SELECT FROM needles WHERE position(needle IN ${bytes}) > 0 AND (place IS NULL OR encode(${bytes}, 'escape') ~ place))`;

const aboutThings = (kind: Prisma.Sql, id: Prisma.Sql) => isAbout(kind, id, Prisma.sql`things`);
const aboutMine = (kind: Prisma.Sql, id: Prisma.Sql) => isAbout(kind, id, Prisma.sql`mine`);

/** How a customer's rows of a table `t` are found. */
export interface Selection {
  ctes: Prisma.Sql;
  /** Which rows are looked at. */
  candidates: Prisma.Sql;
  /** Which of them are the customer's; left out: all. */
  match?: Prisma.Sql;
}

/**
 * Returns how the rows of an owner are found.
 * @param since of tables that are looked through: rows that were written from then on; null: all
 */
export function selectionOf(owner: Owner, customerId: string, since: Date | null): Selection {
  const none = Prisma.sql`nothing AS (SELECT 1)`;
  const ofMine = (candidates: Prisma.Sql): Selection => ({ ctes: mine(customerId), candidates });
  const written = since === null ? Prisma.sql`true` : Prisma.sql`t.created_at >= ${since}`;
  const ofIds = (ids: Prisma.Sql): Selection => ({ ctes: none, candidates: ids });
  switch (owner) {
    case 'self':
      return ofIds(Prisma.sql`t.id = ${customerId}`);
    case 'customer':
      return ofIds(Prisma.sql`t.customer_id = ${customerId}`);
    case 'subscription':
      return ofIds(
        Prisma.sql`t.subscription_id IN (SELECT id FROM subscriptions WHERE customer_id = ${customerId})`,
      );
    case 'payment':
      return ofIds(Prisma.sql`t.payment_id IN (SELECT id FROM payments WHERE customer_id = ${customerId})`);
    case 'history':
      return ofIds(
        Prisma.sql`t.subject_id IN (SELECT id FROM subscriptions WHERE customer_id = ${customerId})`,
      );
    case 'subject':
      return ofMine(aboutMine(Prisma.sql`t.subject_type`, Prisma.sql`t.subject_id`));
    case 'audited':
      // Reading has no words of a person; and an export whose pages are audited would never come to its end.
      return ofMine(
        Prisma.sql`t.action NOT LIKE 'GET %' AND ${aboutMine(auditedType, Prisma.sql`t.subject_id`)}`,
      );
    case 'event':
      return ofMine(aboutMine(eventType, Prisma.sql`t.subject`));
    case 'answer':
      return ofMine(
        aboutMine(
          answerType,
          Prisma.sql`coalesce(t.headers ->> 'personal_data_of', t.headers ->> 'subject_id')`,
        ),
      );
    case 'bulk':
      return ofMine(Prisma.sql`t.id IN (SELECT id FROM bulk)`);
    case 'record':
      return {
        ctes: Prisma.sql`${mine(customerId)}, ${needles(customerId)}`,
        candidates: written,
        match: Prisma.sql`${aboutMine(keyType, Prisma.sql`t.key`)} OR ${mentions(Prisma.sql`t.value`)}`,
      };
    case 'mentioned':
      return {
        ctes: needles(customerId),
        candidates: Prisma.sql`t.payment_id IS NULL AND t.body IS NOT NULL AND ${written}`,
        match: mentions(Prisma.sql`t.body`),
      };
  }
}
