/**
 * The sandbox provider's book of refunds.
 *
 * Owns: rows of refunds. Invariants: one row for each idempotency key, for ever; a charge never gives back more than is
 * left of it, whoever asks at the same time; a turn of a refund and the webhook that tells of it commit together.
 */
import type { Pool, PoolClient } from 'pg';
import type { Refund } from './refund';
import { noSuch, Refusal, type RefundRequest } from './requests';
import { lockStanding } from './standing';
import { behaviourOf } from './tokens';
import { inTransaction } from './transaction';
import type { WebhookQueue } from './webhook-queue';

export interface RefundDraft {
  id: string;
  /** Null: made at the provider, by hand. */
  idempotencyKey: string | null;
  request: RefundRequest;
  /** It is decided later. */
  pending: boolean;
  createdAt: Date;
  /** When it fails, should the token ask for that. */
  failsAt: Date;
}

interface RefundRow extends Omit<Refund, 'amount' | 'created_at'> {
  amount: string;
  created_at: Date;
}

interface Made {
  refund: Refund;
  replayed: boolean;
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
  async refund(draft: RefundDraft): Promise<Made> {
    return done(this.pool, async (client) => {
      const made = await refundUnderLock(client, draft);
      if (!made.replayed) await this.notify(client, made.refund, draft.createdAt);
      return made;
    });
  }

  /**
   * A refund succeeds, or fails, whatever it was before: one that succeeded may come back, and be paid again.
   * @throws Refusal `not_found`, `refund_not_changeable`
   */
  async turn(id: string, status: 'succeeded' | 'failed', now: Date): Promise<Refund> {
    return done(this.pool, async (client) => {
      const known = await find(client, id);
      const standing = known && (await lockStanding(client, known.charge_id));
      const current = await find(client, id);
      if (current === undefined || standing === undefined) {
        throw noSuch('refund');
      }
      if (current.status === status) return current;
      if (current.status === 'failed' && current.amount > standing.left) {
        const left = `Of the charge ${standing.left} minor units are left.`;
        throw new Refusal('refund_not_changeable', left);
      }
      const { rows } = await client.query<RefundRow>(
        `UPDATE refunds SET status = $2, fails_at = NULL WHERE id = $1 RETURNING ${columns}`,
        [id, status],
      );
      const turned = refundOf(rows[0] as RefundRow);
      await this.notify(client, turned, now);
      return turned;
    });
  }

  /** The refunds of a charge, newest first. */
  async list(chargeId: string): Promise<Refund[]> {
    const { rows } = await this.pool.query<RefundRow>(
      `SELECT ${columns} FROM refunds WHERE charge_id = $1 ORDER BY sequence DESC LIMIT 100`,
      [chargeId],
    );
    return rows.map(refundOf);
  }

  /** Refunds whose token asks for it fail, once their time has come. */
  async failDue(now: Date): Promise<void> {
    const { rows } = await this.pool.query<{ id: string }>('SELECT id FROM refunds WHERE fails_at <= $1', [
      now,
    ]);
    for (const { id } of rows) await this.turn(id, 'failed', now);
  }

  private async notify(client: PoolClient, refund: Refund, now: Date): Promise<void> {
    await this.webhooks?.add(client, `refund.${refund.status}`, refund, now);
  }
}

async function done<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const result = await inTransaction(pool, work);
  if (result === undefined) throw new Error('A transaction that ends with a refund has one.');
  return result;
}

async function find(client: PoolClient, id: string): Promise<Refund | undefined> {
  const { rows } = await client.query<RefundRow>(`SELECT ${columns} FROM refunds WHERE id = $1`, [id]);
  return rows[0] && refundOf(rows[0]);
}

async function refundUnderLock(client: PoolClient, draft: RefundDraft): Promise<Made> {
  const { id, idempotencyKey, request, pending, createdAt, failsAt } = draft;
  // Whoever refunds this charge takes turns here; the same key belongs to one charge.
  const standing = await lockStanding(client, request.charge_id);
  const { rows: known } = await client.query<RefundRow>(
    `SELECT ${columns} FROM refunds WHERE idempotency_key = $1`,
    [idempotencyKey],
  );
  const [kept] = known.map(refundOf);
  if (kept) return { refund: replay(kept, request), replayed: true };
  if (!standing) throw noSuch('charge');
  const { charge, left } = standing;
  if (charge.status !== 'succeeded') {
    throw new Refusal('charge_not_refundable', `The charge is ${charge.status}.`);
  }
  const amount = request.amount ?? left;
  if (amount > left || amount < 1) {
    throw new Refusal('charge_not_refundable', `Of the charge ${Math.max(0, left)} minor units are left.`);
  }
  const fails = behaviourOf(charge.token)?.behaviour.refundsFailLate === true;
  const { rows, rowCount } = await client.query<RefundRow>(
    `INSERT INTO refunds (id, charge_id, idempotency_key, amount, currency, status, created_at, fails_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (idempotency_key) DO NOTHING RETURNING ${columns}`,
    [
      id,
      request.charge_id,
      idempotencyKey,
      amount,
      charge.currency,
      pending ? 'pending' : 'succeeded',
      createdAt,
      fails ? failsAt : null,
    ],
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
