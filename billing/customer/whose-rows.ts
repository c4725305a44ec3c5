/** Which rows of a table are a customer's: the SQL of each owner in the list of personal data. */
import type { Owner } from '../../domain/personal-columns';
import { Prisma } from '../../prisma/generated/client';

/** Everything of the customer's that another row may be about, by id. */
function mine(customerId: string): Prisma.Sql {
  return Prisma.sql`
    own_payments AS MATERIALIZED (SELECT id FROM payments WHERE customer_id = ${customerId}),
    things AS MATERIALIZED (
      SELECT ${customerId}::text AS id
      UNION ALL SELECT id FROM subscriptions WHERE customer_id = ${customerId}
      UNION ALL SELECT id FROM own_payments
      UNION ALL SELECT id FROM payment_methods WHERE customer_id = ${customerId}
      UNION ALL SELECT id FROM refunds WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT id FROM disputes WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT id FROM retry_requests WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT id FROM webhook_deliveries WHERE payment_id IN (SELECT id FROM own_payments)
      UNION ALL SELECT id FROM notifications WHERE customer_id = ${customerId}
    ),
    bulk AS MATERIALIZED (
      SELECT DISTINCT bulk_retry_id AS id FROM bulk_retry_payments AS selected
      WHERE payment_id IN (SELECT id FROM own_payments) AND NOT EXISTS (
        SELECT FROM bulk_retry_payments AS other WHERE other.bulk_retry_id = selected.bulk_retry_id
          AND other.payment_id NOT IN (SELECT id FROM own_payments))
    ),
    mine AS MATERIALIZED (
      SELECT id FROM things
      UNION ALL SELECT id FROM bulk
      UNION ALL SELECT id FROM operator_tasks WHERE subject_id IN (SELECT id FROM things)
      UNION ALL SELECT id FROM dead_letters WHERE key IN (SELECT id FROM things)
    )`;
}

/** What a webhook of a customer's holds that names no payment: whole JSON strings, so that a short id finds no other text. */
function needles(customerId: string): Prisma.Sql {
  return Prisma.sql`
    needles AS MATERIALIZED (
      SELECT convert_to(to_json(needle)::text, 'UTF8') AS needle FROM (
        SELECT ${customerId}::text AS needle
        UNION SELECT provider_customer FROM payment_methods WHERE customer_id = ${customerId}
        UNION SELECT token FROM payment_methods WHERE customer_id = ${customerId} AND token <> 'erased'
      ) AS known WHERE needle IS NOT NULL
    )`;
}

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
  const ofMine = (column: Prisma.Sql): Selection => ({
    ctes: mine(customerId),
    candidates: Prisma.sql`${column} IN (SELECT id FROM mine)`,
  });
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
    case 'subject':
      return ofMine(Prisma.sql`t.subject_id`);
    case 'audited':
      // Reading has no words of a person; and an export whose pages are audited would never come to its end.
      return ofMine(Prisma.sql`t.action NOT LIKE 'GET %' AND t.subject_id`);
    case 'event':
      return ofMine(Prisma.sql`t.subject`);
    case 'answer':
      return ofMine(Prisma.sql`coalesce(t.headers ->> 'personal_data_of', t.headers ->> 'subject_id')`);
    case 'bulk':
      return { ctes: mine(customerId), candidates: Prisma.sql`t.id IN (SELECT id FROM bulk)` };
    case 'record':
      return {
        ctes: Prisma.sql`${mine(customerId)}, ${needles(customerId)}`,
        candidates: written,
        match: Prisma.sql`t.key IN (SELECT id FROM mine) OR EXISTS (
          SELECT FROM needles WHERE position(needle IN t.value) > 0)`,
      };
    case 'mentioned':
      return {
        ctes: needles(customerId),
        candidates: Prisma.sql`t.payment_id IS NULL AND t.body IS NOT NULL AND ${written}`,
        match: Prisma.sql`EXISTS (SELECT FROM needles WHERE position(needle IN t.body) > 0)`,
      };
  }
}
