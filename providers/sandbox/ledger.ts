/**
 * The sandbox provider's ledger: the witness of the money that was taken.
 *
 * Owns: its transactions over charges and counters of tokens. Does not own what a token does (`tokens.ts`), who may
 * process a key now (`key-locks.ts`), how a charge lies in its row (`charge-rows.ts`), nor what goes back
 * (`refund-book.ts`, `dispute-book.ts`).
 * Invariants: one row for each idempotency key, committed together with the answer that is kept for it; that
 * answer never changes, though the charge may settle; a token's count, the charge it decided and the webhook that
 * tells of it commit together.
 */
import type { Pool, PoolClient } from 'pg';
import type { Charge } from './charge';
import {
  chargeOf,
  countUp,
  failureOf,
  insertCharge,
  publicColumns,
  type ChargeDraft,
  type ChargeRow,
} from './charge-rows';
import type { ListQuery } from './requests';
import type { FinalVerdict, Verdict } from './tokens';
import { inTransaction } from './transaction';
import type { WebhookQueue } from './webhook-queue';
import type { SandboxEventType } from './webhooks';

export interface KeptAnswer {
  requestHash: string;
  answer: Charge;
}

export class Ledger {
  /** @param webhooks null: nobody is told of anything */
  constructor(
    private readonly pool: Pool,
    private readonly webhooks: WebhookQueue | null,
  ) {}

  /** The first answer to the key, or undefined when nothing was ever charged with it. */
  async keptAnswer(idempotencyKey: string): Promise<KeptAnswer | undefined> {
    const { rows } = await this.pool.query<{ request_hash: string; kept_answer: Charge }>({
      name: 'kept_answer',
      text: 'SELECT request_hash, kept_answer FROM charges WHERE idempotency_key = $1',
      values: [idempotencyKey],
    });
    return rows[0] && { requestHash: rows[0].request_hash, answer: rows[0].kept_answer };
  }

  /**
   * Makes the charge; `decide` is told the number of this charge of its token, 0 unless `counted`.
   * @returns undefined when the key has a charge already; nothing is counted then
   */
  async charge(
    draft: ChargeDraft,
    counted: boolean,
    decide: (chargeNumber: number) => Verdict,
  ): Promise<Charge | undefined> {
    if (!counted && this.webhooks === null) {
      const verdict = decide(0);
      // One row and nothing beside it: the statement is its own transaction.
      if (!('lateSuccess' in verdict || 'lateDispute' in verdict))
        return insertCharge(this.pool, draft, verdict);
    }
    return inTransaction(this.pool, async (client) => {
      const verdict = decide(counted ? await countUp(client, draft.request.token) : 0);
      const charge = await insertCharge(client, draft, verdict);
      if (charge === undefined) return undefined;
      if ('lateSuccess' in verdict) await noteLate(client, 'late_successes', draft);
      if ('lateDispute' in verdict) await noteLate(client, 'late_disputes', draft);
      await this.notify(client, [charge], draft.createdAt);
      return charge;
    });
  }

  /** Counts a request with the token, and says which it is, 1 for the first. */
  async countRequest(token: string): Promise<number> {
    return countUp(this.pool, token);
  }

  async find(id: string, now: Date): Promise<Charge | undefined> {
    await this.settleDue(now);
    const { rows } = await this.pool.query<ChargeRow>(`SELECT ${publicColumns} FROM charges WHERE id = $1`, [
      id,
    ]);
    return rows[0] && chargeOf(rows[0]);
  }

  /** Newest first. @returns undefined when `starting_after` names no charge */
  async list(query: ListQuery, now: Date): Promise<{ data: Charge[]; has_more: boolean } | undefined> {
    await this.settleDue(now);
    const values: unknown[] = [];
    const conditions = ['TRUE'];
    const where = (condition: string, value: unknown) => {
      values.push(value);
      conditions.push(`${condition} $${values.length}`);
    };
    if (query.idempotency_key !== undefined) where('idempotency_key =', query.idempotency_key);
    if (query.payment_id !== undefined) where('payment_id =', query.payment_id);
    if (query.starting_after !== undefined) {
      const sequence = await this.sequenceOf(query.starting_after);
      if (sequence === undefined) return undefined;
      where('sequence <', sequence);
    }
    values.push(query.limit + 1);
    const { rows } = await this.pool.query<ChargeRow>(
      `SELECT ${publicColumns} FROM charges WHERE ${conditions.join(' AND ')}
       ORDER BY sequence DESC LIMIT $${values.length}`,
      values,
    );
    return { data: rows.slice(0, query.limit).map(chargeOf), has_more: rows.length > query.limit };
  }

  /** The customer did, or failed to, authenticate. @returns undefined when the charge does not wait for it */
  async authenticate(id: string, succeed: boolean, now: Date): Promise<Charge | undefined> {
    const verdict: FinalVerdict = succeed
      ? { status: 'succeeded' }
      : { status: 'failed', code: 'authentication_failed' };
    return this.decide(id, ['requires_action'], verdict, now);
  }

  /** The bank decides now, whatever the charge was made with. @returns undefined when the charge is not pending */
  async settle(id: string, succeed: boolean, now: Date): Promise<Charge | undefined> {
    const verdict: FinalVerdict = succeed
      ? { status: 'succeeded' }
      : { status: 'failed', code: 'insufficient_funds' };
    return this.decide(id, ['pending'], verdict, now);
  }

  /** The shop does not want the charge any more. @returns undefined when the charge is not open */
  async cancel(id: string, now: Date): Promise<Charge | undefined> {
    // What the bank has decided by now comes first.
    await this.settleDue(now);
    return this.decide(id, ['pending', 'requires_action'], { status: 'failed', code: 'cancelled' }, now);
  }

  private async decide(
    id: string,
    from: readonly ('requires_action' | 'pending')[],
    verdict: FinalVerdict,
    now: Date,
  ): Promise<Charge | undefined> {
    return inTransaction(this.pool, async (client) => {
      const { rows } = await client.query<ChargeRow>(
        `UPDATE charges SET status = $3, failure = $4, next_action = NULL, settles_at = NULL, settles_as = NULL
         WHERE id = $1 AND status = ANY($2) RETURNING ${publicColumns}`,
        [id, from, verdict.status, failureOf(verdict)],
      );
      const [charge] = rows.map(chargeOf);
      if (charge) await this.notify(client, [charge], now);
      return charge;
    });
  }

  /** Fails when the database does not answer. */
  async ping(): Promise<void> {
    await this.pool.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /** Charges whose time has come get the outcome that they were made with. */
  async settleDue(now: Date): Promise<void> {
    // Asked often, and nearly always in vain.
    const { rows } = await this.pool.query<{ due: boolean }>(
      `SELECT EXISTS (SELECT FROM charges WHERE status = 'pending' AND settles_at <= $1)
         OR EXISTS (SELECT FROM late_successes WHERE due_at <= $1) AS due`,
      [now],
    );
    if (!rows[0]?.due) return;
    await inTransaction(this.pool, async (client) => {
      // Rows are locked in one order, so that two readers who settle the same ones cannot deadlock.
      const pending = await client.query<ChargeRow>(
        `UPDATE charges SET status = settles_as ->> 'status', failure = NULLIF(settles_as -> 'failure', 'null'),
           settles_at = NULL, settles_as = NULL
         WHERE id IN (SELECT id FROM charges WHERE status = 'pending' AND settles_at <= $1
                      ORDER BY sequence FOR UPDATE)
         RETURNING ${publicColumns}`,
        [now],
      );
      const late = await client.query<ChargeRow>(
        `WITH due AS (DELETE FROM late_successes WHERE charge_id IN (
           SELECT charge_id FROM late_successes WHERE due_at <= $1 ORDER BY charge_id FOR UPDATE SKIP LOCKED
         ) RETURNING charge_id)
         UPDATE charges SET status = 'succeeded', failure = NULL
         WHERE id IN (SELECT charge_id FROM due) RETURNING ${publicColumns}`,
        [now],
      );
      await this.notify(client, [...pending.rows, ...late.rows].map(chargeOf), now);
      return true;
    });
  }

  private async notify(client: PoolClient, charges: readonly Charge[], now: Date): Promise<void> {
    for (const charge of charges) {
      const type = eventTypes[charge.status];
      if (type !== undefined) await this.webhooks?.add(client, type, charge, now);
    }
  }

  private async sequenceOf(id: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ sequence: string }>(
      'SELECT sequence FROM charges WHERE id = $1',
      [id],
    );
    return rows[0]?.sequence;
  }
}

const eventTypes: Partial<Record<Charge['status'], SandboxEventType>> = {
  succeeded: 'charge.succeeded',
  failed: 'charge.failed',
};

async function noteLate(
  client: PoolClient,
  table: 'late_successes' | 'late_disputes',
  { id, settlesAt }: ChargeDraft,
): Promise<void> {
  await client.query(`INSERT INTO ${table} (charge_id, due_at) VALUES ($1, $2)`, [id, settlesAt]);
}
