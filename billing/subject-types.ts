/**
 * Which rows are about a thing: by its kind and its id (`domain/subjects.ts`), in SQL.
 *
 * Invariant: a row that does not say the kind is about the one thing that has the id; where several have it, about none.
 */
import { notificationTemplates } from '../contracts/topics/notifications';
import {
  createdByCall,
  namedByRefusals,
  otherActions,
  otherwiseNamed,
  subjectTypeOfTopic,
} from '../domain/subjects';
import { Prisma } from '../prisma/generated/client';

const json = (value: object): Prisma.Sql => Prisma.sql`${JSON.stringify(value)}::jsonb`;

/** The kind of what a row `t` of the audit log is about. */
export const auditedType = Prisma.sql`coalesce(
  t.detail ->> 'subject_type',
  ${json(otherActions)} ->> t.action,
  CASE WHEN t.status BETWEEN 200 AND 299 THEN ${json(createdByCall)} ->> t.action END,
  ${json(otherwiseNamed)} ->> substring(t.action FROM '\\{(\\w+)_id\\}[^{]*$'),
  substring(t.action FROM '\\{(\\w+)_id\\}[^{]*$'),
  CASE WHEN t.action LIKE '% /%' THEN ${namedByRefusals} END)`;

const subjectOfTemplate = Object.fromEntries(
  Object.entries(notificationTemplates).map(([name, { subject }]) => [name, subject]),
);

/** The kind of what an event `t` of the outbox is about; a notification's id begins with its template. */
export const eventType = Prisma.sql`coalesce(
  ${json(subjectTypeOfTopic)} ->> t.topic, ${json(subjectOfTemplate)} ->> split_part(t.event_id, '/', 1))`;

/**
 * The kind of what the key of a dead letter `t` names; of a payment's events it is the subscription, where there is one.
 * Asked by the index, row by row: of `EXISTS` the planner may read all ids there are.
 */
export const keyType = Prisma.sql`CASE
  WHEN t.topic LIKE 'subscriptions.%' THEN 'subscription'
  WHEN t.topic = 'notifications.requested' THEN 'customer'
  WHEN (SELECT id FROM subscriptions WHERE id = t.key) IS NULL THEN 'payment'
  WHEN (SELECT id FROM payments WHERE id = t.key) IS NULL THEN 'subscription' END`;

/** The kind of what a kept answer `t` is about. */
export const answerType = Prisma.sql`CASE
  WHEN t.headers ->> 'personal_data_of' IS NOT NULL THEN 'customer' ELSE t.headers ->> 'subject_type' END`;

/** Every table whose things others may be about. */
const tables = [
  'api_keys',
  'bulk_retries',
  'customers',
  'disputes',
  'notifications',
  'payment_methods',
  'payments',
  'plans',
  'refunds',
  'retry_policies',
  'retry_requests',
  'subscriptions',
  'test_clocks',
  'webhook_deliveries',
];

const isOneThing = (id: Prisma.Sql): Prisma.Sql => {
  const named = tables.map((table) => Prisma.sql`SELECT ${table} FROM ${Prisma.raw(table)} WHERE id = ${id}`);
  return Prisma.sql`(SELECT count(*) FROM (${Prisma.join(named, ' UNION ')}) AS named) <= 1`;
};

/**
 * Whether a row is about one of some things.
 * @param things a query with the columns `kind` and `id`
 */
export function isAbout(kind: Prisma.Sql, id: Prisma.Sql, things: Prisma.Sql): Prisma.Sql {
  // The id alone finds the rows by their index; what it finds is judged by the kind.
  return Prisma.sql`(${id} IN (SELECT id FROM ${things} AS thing) AND CASE
    WHEN ${kind} IS NULL THEN ${isOneThing(id)}
    ELSE (${kind}, ${id}) IN (SELECT kind, id FROM ${things} AS thing) END)`;
}
