/**
 * How a charge lies in its row, and how it is counted.
 *
 * Owns: the columns and the first state of a charge. Does not own transactions (`ledger.ts`).
 */
import type { Pool } from 'pg';
import { declines, type Charge, type ChargeFailure } from './charge';
import type { ChargeRequest } from './requests';
import type { Verdict } from './tokens';

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

export interface ChargeRow {
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

export const publicColumns =
  'id, idempotency_key, amount, currency, token, status, failure, next_action, metadata, created_at';

type Queryable = Pick<Pool, 'query'>;

/** @returns which it is, 1 for the first */
export async function countUp(database: Queryable, token: string): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `INSERT INTO token_counters AS counter (token, count) VALUES ($1, 1)
     ON CONFLICT (token) DO UPDATE SET count = counter.count + 1 RETURNING count`,
    [token],
  );
  return Number(rows[0]?.count);
}

/** @returns undefined when the key has a charge already */
export async function insertCharge(
  database: Queryable,
  draft: ChargeDraft,
  verdict: Verdict,
): Promise<Charge | undefined> {
  const charge = firstState(draft, verdict);
  const settlesAs =
    verdict.status === 'pending'
      ? { status: verdict.settlesAs.status, failure: failureOf(verdict.settlesAs) }
      : null;
  const { rowCount } = await database.query({
    name: 'insert_charge',
    text: `INSERT INTO charges (${publicColumns}, request_hash, kept_answer, payment_id, settles_at, settles_as)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (idempotency_key) DO NOTHING`,
    values: [
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
  });
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

export function failureOf(verdict: Verdict): ChargeFailure | null {
  return verdict.status === 'failed' ? { code: verdict.code, message: declines[verdict.code] } : null;
}

export function chargeOf(row: ChargeRow): Charge {
  // The table's constraints say what the type's union says.
  return {
    ...row,
    amount: Number(row.amount),
    created_at: row.created_at.toISOString(),
  } as Charge;
}
