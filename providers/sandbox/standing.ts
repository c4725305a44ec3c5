/**
 * How much of a charge the sandbox provider still holds.
 *
 * Invariant: whoever moves money of a charge reads this under the charge's lock, so that they take turns.
 */
import type { PoolClient } from 'pg';
import type { Charge } from './charge';

export interface Standing {
  charge: Pick<Charge, 'id' | 'amount' | 'currency' | 'token' | 'status'>;
  /** Given back, or about to be. */
  refunded: number;
  /** Taken by open and by lost disputes. */
  disputed: number;
  /** Minor units; negative where the bank disputed what was given back. */
  left: number;
}

/** Reads what stands of a charge, and locks it. @returns undefined when there is no such charge */
export async function lockStanding(client: PoolClient, chargeId: string): Promise<Standing | undefined> {
  const { rows } = await client.query<{
    amount: string;
    currency: string;
    token: string;
    status: Charge['status'];
  }>('SELECT amount, currency, token, status FROM charges WHERE id = $1 FOR UPDATE', [chargeId]);
  const [row] = rows;
  if (row === undefined) return undefined;
  // A statement of its own: it sees what whoever held the lock has committed.
  const { rows: sums } = await client.query<{ refunded: string; disputed: string }>(
    `SELECT
       (SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE charge_id = $1 AND status <> 'failed')::text AS refunded,
       (SELECT COALESCE(SUM(amount), 0) FROM charge_disputes
        WHERE charge_id = $1 AND status IN ('open', 'lost'))::text AS disputed`,
    [chargeId],
  );
  const amount = Number(row.amount);
  const [refunded, disputed] = [Number(sums[0]?.refunded), Number(sums[0]?.disputed)];
  return { charge: { ...row, id: chargeId, amount }, refunded, disputed, left: amount - refunded - disputed };
}
