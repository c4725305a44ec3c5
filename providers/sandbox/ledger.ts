/**
 * The sandbox provider's ledger: the witness of the money that was taken.
 *
 * Owns: rows of charges and counters of tokens. Does not own what a token does (`tokens.ts`) nor who may process
 * a key now (`key-locks.ts`).
 * Invariants: one row for each idempotency key, committed together with the answer that is kept for it; that
 * answer never changes, though the charge may settle; a token's count and the charge it decided commit together.
 */
import type { Pool, PoolClient } from 'pg';
import { declines, type Charge, type ChargeFailure } from './charge';
import type { ChargeRequest, ListQuery } from './requests';
import type { FinalVerdict, Verdict } from './tokens';

/** A charge that is about to be made. */
export interface ChargeDraft {
  id: string;
  idempotencyKey: string;
  requestHash: string;
  request: ChargeRequest;
  createdAt: Date;
  /** When the charge settles, should it be pending. */
  settlesAt: Date;
  /** Where the customer authenticates, should it be asked for. */
  authenticateUrl: string;
}

export interface KeptAnswer {
  requestHash: string;
  answer: Charge;
}

interface ChargeRow {
  id: string;
  idempotency_key: string;
  amount: string;
  currency: string;
  token: string;
  status: Charge['status'];
  failure: ChargeFailure | null;
  next_action: object | null;
  metadata: Charge['metadata'];
  created_at: Date;
}

const publicColumns =
  'id, idempotency_key, amount, currency, token, status, failure, next_action, metadata, created_at';

export class Ledger {
  constructor(private readonly pool: Pool) {}

  /** The first answer to the key, or undefined when nothing was ever charged with it. */
  async keptAnswer(idempotencyKey: string): Promise<KeptAnswer | undefined> {
    const { rows } = await this.pool.query<{ request_hash: string; kept_answer: Charge }>(
      'SELECT request_hash, kept_answer FROM charges WHERE idempotency_key = $1',
      [idempotencyKey],
    );
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
    if (!counted) return insertCharge(this.pool, draft, decide(0));
    return this.inTransaction(async (client) => {
      const verdict = decide(await countUp(client, draft.request.token));
      return insertCharge(client, draft, verdict);
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
  async authenticate(id: string, succeed: boolean): Promise<Charge | undefined> {
    const verdict: FinalVerdict = succeed
      ? { status: 'succeeded' }
      : { status: 'failed', code: 'authentication_failed' };
    const { rows } = await this.pool.query<ChargeRow>(
      `UPDATE charges SET status = $2, failure = $3, next_action = NULL
       WHERE id = $1 AND status = 'requires_action' RETURNING ${publicColumns}`,
      [id, verdict.status, failureOf(verdict)],
    );
    return rows[0] && chargeOf(rows[0]);
  }

  /** Fails when the database does not answer. */
  async ping(): Promise<void> {
    await this.pool.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /** Pending charges whose time has come get the outcome that they were made with. */
  private async settleDue(now: Date): Promise<void> {
    // Rows are locked in one order, so that two readers who settle the same ones cannot deadlock.
    await this.pool.query(
      `UPDATE charges SET status = settles_as ->> 'status', failure = NULLIF(settles_as -> 'failure', 'null'),
         settles_at = NULL, settles_as = NULL
       WHERE id IN (SELECT id FROM charges WHERE status = 'pending' AND settles_at <= $1
                    ORDER BY sequence FOR UPDATE)`,
      [now],
    );
  }

  private async sequenceOf(id: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ sequence: string }>(
      'SELECT sequence FROM charges WHERE id = $1',
      [id],
    );
    return rows[0]?.sequence;
  }

  private async inTransaction<T>(
    work: (client: PoolClient) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query(result === undefined ? 'ROLLBACK' : 'COMMIT');
      client.release();
      return result;
    } catch (error) {
      // Closing the connection rolls back, also when it is no longer known what state it is in.
      client.release(true);
      throw error;
    }
  }
}

type Queryable = Pick<Pool, 'query'>;

async function countUp(database: Queryable, token: string): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `INSERT INTO token_counters AS counter (token, count) VALUES ($1, 1)
     ON CONFLICT (token) DO UPDATE SET count = counter.count + 1 RETURNING count`,
    [token],
  );
  return Number(rows[0]?.count);
}

async function insertCharge(
  database: Queryable,
  draft: ChargeDraft,
  verdict: Verdict,
): Promise<Charge | undefined> {
  const charge = firstState(draft, verdict);
  const settlesAs =
    verdict.status === 'pending'
      ? { status: verdict.settlesAs.status, failure: failureOf(verdict.settlesAs) }
      : null;
  const { rowCount } = await database.query(
    `INSERT INTO charges (${publicColumns}, request_hash, kept_answer, payment_id, settles_at, settles_as)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (idempotency_key) DO NOTHING`,
    [
      charge.id,
      charge.idempotency_key,
      charge.amount,
      charge.currency,
      charge.token,
      charge.status,
      charge.failure,
      charge.next_action,
      charge.metadata,
      draft.createdAt,
      draft.requestHash,
      charge,
      draft.request.metadata.payment_id ?? null,
      settlesAs && draft.settlesAt,
      settlesAs,
    ],
  );
  return rowCount === 1 ? charge : undefined;
}

function firstState(draft: ChargeDraft, verdict: Verdict): Charge {
  const { amount, currency, token, metadata } = draft.request;
  return {
    id: draft.id,
    idempotency_key: draft.idempotencyKey,
    amount: 'surplusAmount' in verdict ? amount + verdict.surplusAmount : amount,
    currency,
    token,
    status: verdict.status,
    failure: failureOf(verdict),
    next_action:
      verdict.status === 'requires_action'
        ? { type: 'redirect', url: draft.authenticateUrl, expires_at: null }
        : null,
    metadata,
    created_at: draft.createdAt.toISOString(),
  } as Charge;
}

function failureOf(verdict: Verdict): ChargeFailure | null {
  return verdict.status === 'failed' ? { code: verdict.code, message: declines[verdict.code] } : null;
}

function chargeOf(row: ChargeRow): Charge {
  // The table's constraints say what the type's union says.
  return {
    ...row,
    amount: Number(row.amount),
    created_at: row.created_at.toISOString(),
  } as Charge;
}
