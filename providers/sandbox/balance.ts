/**
 * What the sandbox provider holds for the shop: what it took, less what went back, to the unit.
 *
 * Owns: these sums. Invariant: a refund counts once it has succeeded, and no more once it has failed; a dispute counts
 * while it is open and after it was lost.
 */
import type { Pool } from 'pg';
import type { BalanceQuery } from './requests';

interface Sums {
  currency: string;
  charged: number;
  refunded: number;
  disputed: number;
  /** The rest. */
  held: number;
}

/** Of one charge that took money. */
export interface ChargeBalance extends Sums {
  charge_id: string;
  payment_id: string | null;
}

type Row = Record<'charged' | 'refunded' | 'disputed', string> & Pick<ChargeBalance, 'currency'>;

const balances = `
  SELECT c.sequence, c.id AS charge_id, c.payment_id, c.currency, c.amount AS charged,
    (SELECT COALESCE(SUM(r.amount), 0) FROM refunds r
     WHERE r.charge_id = c.id AND r.status = 'succeeded') AS refunded,
    (SELECT COALESCE(SUM(d.amount), 0) FROM charge_disputes d
     WHERE d.charge_id = c.id AND d.status IN ('open', 'lost')) AS disputed
  FROM charges c WHERE c.status = 'succeeded'`;

/** All of it, by currency. */
export async function balanceOf(pool: Pool): Promise<Sums[]> {
  const { rows } = await pool.query<Row>(
    `SELECT currency, SUM(charged)::text AS charged, SUM(refunded)::text AS refunded,
       SUM(disputed)::text AS disputed
     FROM (${balances}) AS balances GROUP BY currency ORDER BY currency`,
  );
  return rows.map(({ currency, ...sums }) => ({ currency, ...sumsOf(sums) }));
}

/** Charge by charge, newest first. */
export async function balancesOf(
  pool: Pool,
  { payment_id, limit, starting_after }: BalanceQuery,
): Promise<{ data: ChargeBalance[]; has_more: boolean }> {
  const { rows } = await pool.query<Row & Pick<ChargeBalance, 'charge_id' | 'payment_id'>>(
    `SELECT charge_id, payment_id, currency, charged::text, refunded::text, disputed::text
     FROM (${balances}) AS balances
     WHERE ($1::text IS NULL OR payment_id = $1)
       AND ($2::text IS NULL OR sequence < (SELECT sequence FROM charges WHERE id = $2))
     ORDER BY sequence DESC LIMIT $3`,
    [payment_id ?? null, starting_after ?? null, limit + 1],
  );
  const data = rows.map(({ charge_id, payment_id: paymentId, currency, ...sums }) => {
    return { charge_id, payment_id: paymentId, currency, ...sumsOf(sums) };
  });
  return { data: data.slice(0, limit), has_more: data.length > limit };
}

function sumsOf(row: Omit<Row, 'currency'>): Omit<Sums, 'currency'> {
  const [charged, refunded, disputed] = [Number(row.charged), Number(row.refunded), Number(row.disputed)];
  return { charged, refunded, disputed, held: charged - refunded - disputed };
}
