/**
 * Statements over the change history: one row for each version of a subscription, with its command and its result.
 *
 * Invariants: a command has one effect, whatever is repeated; a version is written by the one who saw the version
 * before it.
 */
import type { Actor } from '../../contracts/fields';
import type { Subscription } from '../../contracts/http/subscriptions';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { settingsOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import type { SubscriptionRow } from '../rows';
import { jsonColumns } from './store';

export interface Change {
  commandId: string;
  changes: readonly SubscriptionChange[];
  previous: Partial<Subscription>;
  actor: Actor;
  at: Date;
}

/** Writes the history's row of a subscription that was just inserted. */
export function enqueueFirstChange(tx: Transaction, result: Subscription, change: Change): void {
  sql(tx).enqueue(changeInsertion(result, change));
}

/** The columns of a version; what is undefined stays as it is. */
export type ChangedColumns = Partial<Omit<SubscriptionRow, 'id'>> & Pick<SubscriptionRow, 'version'>;

/**
 * Writes the columns of a version and its history's row.
 * @param paid the period that the version pays, and when, by the customer's time; null: none
 */
export function enqueueVersion(
  tx: Transaction,
  columns: ChangedColumns,
  result: Subscription,
  change: Change,
  paid: { index: number; at: Date } | null,
): void {
  const paying =
    paid === null
      ? Prisma.empty
      : Prisma.sql`, paying AS (
          UPDATE subscription_periods SET paid_at = ${paid.at}, paid_recorded_at = ${change.at}
          WHERE subscription_id = ${result.id} AND index = ${paid.index}
        )`;
  sql(tx).enqueue`
    WITH written AS (UPDATE subscriptions SET ${settingsOf(columns, jsonColumns)} WHERE id = ${result.id})${paying}
    ${changeInsertion(result, change)}`;
}

function changeInsertion(result: Subscription, change: Change): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO changes (subject_id, version, command_id, changes, previous, actor, result, at)
    VALUES (${result.id}, ${result.version}, ${change.commandId}, ${[...change.changes]},
      ${JSON.stringify(change.previous)}::jsonb, ${JSON.stringify(change.actor)}::jsonb,
      ${JSON.stringify(result)}::jsonb, ${change.at})`;
}

/** Whether a command has had its effect. */
export async function wasExecuted(tx: Transaction, commandId: string): Promise<boolean> {
  const rows = await sql(tx).query<object[]>`SELECT 1 FROM changes WHERE command_id = ${commandId}`;
  return rows.length > 0;
}

/** Reads what a command did that has had its effect; null: it has had none. `opened_payment_id`: of a period; or null. */
export async function executedCommand(
  tx: Transaction,
  commandId: string,
): Promise<{ opened_payment_id: string | null } | null> {
  const [row] = await sql(tx).query<{ opened_payment_id: string | null }[]>`
    SELECT CASE WHEN previous ? 'open_payment_id' THEN result ->> 'open_payment_id' END AS opened_payment_id
    FROM changes WHERE command_id = ${commandId}`;
  return row ?? null;
}
