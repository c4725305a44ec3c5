/** Statements on disputes. The caller holds the lock of the dispute's payment where it writes. */
import type { Taken } from '../../domain/ledger/refund';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { disputeColumns, type DisputeRow } from '../ledger-rows';
import type { AttemptRow } from '../rows';

/** Reads a dispute. Null when there is none. */
export async function findDispute(tx: Transaction, disputeId: string): Promise<DisputeRow | null> {
  const [row] = await sql(tx).query<
    DisputeRow[]
  >`SELECT ${disputeColumns} FROM disputes WHERE id = ${disputeId}`;
  return row ?? null;
}

/** Reads the disputes of a payment, the oldest first. */
export async function findDisputes(tx: Transaction, paymentId: string): Promise<DisputeRow[]> {
  return sql(tx).query<DisputeRow[]>`
    SELECT ${disputeColumns} FROM disputes WHERE payment_id = ${paymentId} ORDER BY created_at, id`;
}

/** Reads the disputes of an attempt's charge that were lost, the newest first. */
export async function findLostDisputes(
  tx: Transaction,
  { payment_id: paymentId, number }: Pick<AttemptRow, 'payment_id' | 'number'>,
): Promise<DisputeRow[]> {
  return sql(tx).query<DisputeRow[]>`
    SELECT ${disputeColumns} FROM disputes
    WHERE payment_id = ${paymentId} AND attempt = ${number} AND status = 'lost'
    ORDER BY closed_at DESC, id DESC`;
}

/** Writes from which accounts a lost dispute has taken its money by now. */
export function enqueueLoss(tx: Transaction, disputeId: string, taken: Taken): void {
  sql(tx).enqueue`UPDATE disputes SET taken = ${JSON.stringify(taken)}::jsonb WHERE id = ${disputeId}`;
}

/** Writes a dispute as it stands from now on. */
export function enqueueDispute(tx: Transaction, dispute: DisputeRow): void {
  const { id, payment_id, attempt, provider, provider_reference, amount, currency } = dispute;
  const { status, taken, transitions, created_at, closed_at } = dispute;
  sql(tx).enqueue`
    INSERT INTO disputes (id, payment_id, attempt, provider, provider_reference, amount, currency, status, taken,
      transitions, created_at, closed_at)
    VALUES (${id}, ${payment_id}, ${attempt}, ${provider}, ${provider_reference}, ${amount}, ${currency}, ${status},
      ${taken === null ? null : JSON.stringify(taken)}::jsonb, ${transitions}, ${created_at}, ${closed_at})
    ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, taken = EXCLUDED.taken,
      transitions = EXCLUDED.transitions, closed_at = EXCLUDED.closed_at`;
}
