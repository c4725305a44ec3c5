/** Operator tasks about renewals that a run has given up: raised once, and answered when the subscription is renewed. */
import { systemActor } from '../../contracts/fields';
import type { FailedMember, RenewedMember } from '../../domain/renewal/run';
import { databaseNow, inTransaction, type Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { enqueueReopenedTask } from '../operator-tasks';

/** Asks an operator about each. */
export async function raiseRenewalTasks(db: Database, failed: readonly FailedMember[]): Promise<void> {
  await inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    for (const { subscription_id: id, detail } of failed) {
      const words = `It is due and could not be renewed: ${detail}. It is tried again from time to time.`;
      enqueueReopenedTask(tx, 'renewal_failed', { type: 'subscription', id }, words, now);
    }
  });
}

const resolvedBecause = (reason: string) =>
  JSON.stringify({ actor: systemActor('subscription-service'), reason, outcome: null });

/** Resolves the open tasks of those that are renewed now. */
export async function answerRenewalTasks(db: Database, done: readonly RenewedMember[]): Promise<void> {
  const ids = done.map(({ subscription_id: id }) => id);
  await sql(db).execute`
    UPDATE operator_tasks SET status = 'resolved', resolved_at = clock_timestamp(),
      resolution = ${resolvedBecause('it was renewed')}::jsonb
    WHERE kind = 'renewal_failed' AND subject_type = 'subscription' AND subject_id = ANY(${ids}) AND status = 'open'`;
}

/** Resolves the open tasks of those that are not due any more: a command has renewed or ended them. */
export async function answerOvertakenTasks(db: Database): Promise<void> {
  await sql(db).execute`
    UPDATE operator_tasks t SET status = 'resolved', resolved_at = clock_timestamp(),
      resolution = ${resolvedBecause('it is not due any more')}::jsonb
    FROM subscriptions s
    WHERE t.kind = 'renewal_failed' AND t.subject_type = 'subscription' AND t.status = 'open' AND s.id = t.subject_id
      AND (s.next_due_at IS NULL OR s.next_due_at > coalesce(
        (SELECT c.now FROM test_clocks c WHERE c.id = s.test_clock_id), clock_timestamp()))`;
}
