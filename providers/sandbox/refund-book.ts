/**
 * The sandbox provider's book of refunds.
 *
 * Owns: rows of refunds. Invariants: one row for each idempotency key, for ever; a charge never gives back more than it
 * took, whoever asks at the same time; a refund and the webhook that tells of it commit together.
 */
import type { Pool, PoolClient } from 'pg';
import type { Refund } from './refund';
import { Refusal, type RefundRequest } from './requests';
import type { WebhookQueue } from './webhook-queue';

export interface RefundDraft {
  id: string;
  idempotencyKey: string;
  request: RefundRequest;
  createdAt: Date;
}

interface RefundRow extends Omit<Refund, 'amount' | 'created_at'> {
  amount: string;
  created_at: Date;
}

const columns = 'id, charge_id, idempotency_key, amount, currency, status, created_at';

export class RefundBook {
  /** @param webhooks null: nobody is told of anything */
  constructor(
    private readonly pool: Pool,
    private readonly webhooks: WebhookQueue | null,
  ) {}

  /**
   * Gives the money back, or finds the refund that was made with the key before.
   * @throws Refusal `not_found`, `charge_not_refundable`, `idempotency_key_reused`
   */
  async refund(draft: RefundDraft): Promise<{ refund: Refund; replayed: boolean }> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const result = await refundUnderLock(client, draft);
      if (!result.replayed) {
        await this.webhooks?.add(client, 'refund.succeeded', result.refund, draft.createdAt);
      }
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      // Closing the connection rolls back, also when it is no longer known what state it is in.
      client.release(true);
      throw error;
    }
  }

  /** The refunds of a charge, newest first. */
  async list(chargeId: string): Promise<Refund[]> {
    const { rows } = await this.pool.query<RefundRow>(
      `SELECT ${columns} FROM refunds WHERE charge_id = $1 ORDER BY sequence DESC LIMIT 100`,
      [chargeId],
    );
    return rows.map(refundOf);
  }
}

async function refundUnderLock(
  client: PoolClient,
  { id, idempotencyKey, request, createdAt }: RefundDraft,
): Promise<{ refund: Refund; replayed: boolean }> {
  // Whoever refunds this charge takes turns here; the same key belongs to one charge.
  const { rows: charges } = await client.query<{ amount: string; currency: string; status: string }>(
    'SELECT amount, currency, status FROM charges WHERE id = $1 FOR UPDATE',
    [request.charge_id],
  );
  const { rows: known } = await client.query<RefundRow>(
    `SELECT ${columns} FROM refunds WHERE idempotency_key = $1`,
    [idempotencyKey],
  );
  const [kept] = known.map(refundOf);
  if (kept) return { refund: replay(kept, request), replayed: true };
  const [charge] = charges;
  if (!charge) throw new Refusal('not_found', 'There is no such charge.');
  const { rows: given } = await client.query<{ amount: string }>(
    `SELECT COALESCE(SUM(amount), 0)::text AS amount FROM refunds WHERE charge_id = $1 AND status <> 'failed'`,
    [request.charge_id],
  );
  const leftAmount = Number(charge.amount) - Number(given[0]?.amount);
  if (charge.status !== 'succeeded') {
    throw new Refusal('charge_not_refundable', `The charge is ${charge.status}.`);
  }
  const amount = request.amount ?? leftAmount;
  if (amount > leftAmount || amount === 0) {
    throw new Refusal('charge_not_refundable', `Of the charge ${leftAmount} minor units are left.`);
  }
  const { rows, rowCount } = await client.query<RefundRow>(
    `INSERT INTO refunds (id, charge_id, idempotency_key, amount, currency, status, created_at)
     VALUES ($1, $2, $3, $4, $5, 'succeeded', $6) ON CONFLICT (idempotency_key) DO NOTHING RETURNING ${columns}`,
    [id, request.charge_id, idempotencyKey, amount, charge.currency, createdAt],
  );
  if (rowCount !== 1) throw reused();
  return { refund: refundOf(rows[0] as RefundRow), replayed: false };
}

function replay(kept: Refund, { charge_id, amount }: RefundRequest): Refund {
  const same = kept.charge_id === charge_id && (amount === undefined || amount === kept.amount);
  if (same) return kept;
  throw reused();
}

function reused(): Refusal {
  return new Refusal(
    'idempotency_key_reused',
    'This Idempotency-Key was used for a refund with other parameters.',
  );
}

function refundOf(row: RefundRow): Refund {
  return { ...row, amount: Number(row.amount), created_at: row.created_at.toISOString() };
}
