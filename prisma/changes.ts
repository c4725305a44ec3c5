/**
 * The change history: one row for each version of a subscription, with the command that made it and its result.
 *
 * Invariants: a command has one effect, whatever is repeated; a version is written by the one who saw the version
 * before it.
 */
import type { Actor } from '../contracts/fields';
import { subscription, type Subscription } from '../contracts/http/subscriptions';
import type { SubscriptionChange } from '../domain/subscription';
import type { Transaction } from './client';

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
export async function recordChange(tx: Transaction, result: Subscription, change: Change): Promise<void> {
  await tx.change.create({
    data: {
      subject_id: result.id,
      version: result.version,
      command_id: change.commandId,
      changes: [...change.changes],
      previous: change.previous as object,
      actor: change.actor,
      result: result as object,
      at: change.at,
    },
  });
}

/** What a command made when it was carried out; null when it has not been. */
export async function resultOfCommand(tx: Transaction, commandId: string): Promise<Subscription | null> {
  const row = await tx.change.findUnique({ where: { command_id: commandId } });
  return row === null ? null : subscription.parse(row.result);
}
