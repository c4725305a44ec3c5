/**
 * The change history: one row for each version of a subscription, with the command that made it and its result.
 *
 * Invariants: a command has one effect, whatever is repeated; a version is written by the one who saw the version
 * before it.
 */
import type { Actor } from '../../contracts/fields';
import { subscription, type Subscription } from '../../contracts/http/subscriptions';
import type { SubscriptionChange } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { SubscriptionRow } from '../rows';
import { jsonColumns } from './store';
import { settingsOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';

export interface Change {
  commandId: string;
  changes: readonly SubscriptionChange[];
  previous: Partial<Subscription>;
  actor: Actor;
  at: Date;
}

/** The actor of what no person asked for. */
export const systemActor = (service: string): Actor => ({ kind: 'system', id: service, reason: null });

/** Writes the history's row of `result`'s version. */
export function recordChange(tx: Transaction, result: Subscription, change: Change): void {
  sql(tx).enqueue(insertion(result, change));
}

/** What a version changes of the row; `version` is always among it. */
export type ChangedColumns = Partial<Omit<SubscriptionRow, 'id'>> & Pick<SubscriptionRow, 'version'>;

/**
 * Writes the columns of a version and its history's row.
 * @param columns what is undefined stays as it is
 * @param paid the period that is paid by it, and when, by the customer's time; null: none
 */
export function writeWithChange(
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
          UPDATE subscription_periods SET paid_at = ${paid.at}
          WHERE subscription_id = ${result.id} AND index = ${paid.index}
        )`;
  sql(tx).enqueue`
    WITH written AS (UPDATE subscriptions SET ${settingsOf(columns, jsonColumns)} WHERE id = ${result.id})${paying}
    ${insertion(result, change)}`;
}

function insertion(result: Subscription, change: Change): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO changes (subject_id, version, command_id, changes, previous, actor, result, at)
    VALUES (${result.id}, ${result.version}, ${change.commandId}, ${[...change.changes]},
      ${JSON.stringify(change.previous)}::jsonb, ${JSON.stringify(change.actor)}::jsonb,
      ${JSON.stringify(result)}::jsonb, ${change.at})`;
}

/** What a command made when it was carried out; null when it has not been. */
export async function resultOfCommand(tx: Transaction, commandId: string): Promise<Subscription | null> {
  const row = await tx.change.findUnique({ where: { command_id: commandId } });
  return row === null ? null : subscription.parse(row.result);
}
