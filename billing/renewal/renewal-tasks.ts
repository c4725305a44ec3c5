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

/** Resolves the open tasks of those that are renewed now. */
export async function answerRenewalTasks(db: Database, done: readonly RenewedMember[]): Promise<void> {
  const ids = done.map(({ subscription_id: id }) => id);
  const resolution = {
    actor: systemActor('subscription-service'),
    reason: 'it was renewed',
    outcome: null,
  };
  await sql(db).execute`
    UPDATE operator_tasks SET status = 'resolved', resolved_at = clock_timestamp(),
      resolution = ${JSON.stringify(resolution)}::jsonb
    WHERE kind = 'renewal_failed' AND subject_type = 'subscription' AND subject_id = ANY(${ids}) AND status = 'open'`;
}
