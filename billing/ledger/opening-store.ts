/** Statements that read what is older than the ledger, and mark it as entered. */
import type { OldCharge, OldPayment, OldRefund, OldRefunds } from '../../domain/ledger/opening-facts';
import type { LedgerState } from '../../domain/ledger/state';
import {
  isPaymentPaid,
  paymentStatuses,
  type PaymentKind,
  type PaymentStatus,
} from '../../domain/payment/payment';
import type { Database, Transaction } from '../../prisma/client';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';

/** Reads the state as it stands by now, and what the present period cost when it opened; null: there is none. */
export async function findOpeningState(
  on: Database | Transaction,
  subscriptionId: string,
): Promise<{ ledger_state: LedgerState | null; period_price: number | null }> {
  const [row] = await sql(on).query<{ ledger_state: LedgerState | null; period_price: bigint | null }[]>`
    SELECT s.ledger_state, period.amount AS period_price
    FROM subscriptions s LEFT JOIN subscription_periods period
      ON period.subscription_id = s.id AND period.index = s.period_index
    WHERE s.id = ${subscriptionId}`;
  if (row === undefined) throw new Error(`subscription ${subscriptionId} does not exist`);
  return { ...row, period_price: row.period_price === null ? null : Number(row.period_price) };
}

/** Reads the payments of a subscription, oldest first, without those of their own. */
export function findOldPayments(on: Database | Transaction, subscriptionId: string): Promise<OldPayment[]> {
  return readOldPayments(on, Prisma.sql`p.subscription_id = ${subscriptionId} AND p.kind <> 'manual'`);
}

/** Reads a payment. Null when it does not exist. */
export async function findOldPayment(
  on: Database | Transaction,
  paymentId: string,
): Promise<OldPayment | null> {
  const [payment] = await readOldPayments(on, Prisma.sql`p.id = ${paymentId}`);
  return payment ?? null;
}

interface OldPaymentRow {
  id: string;
  kind: PaymentKind;
  status: PaymentStatus;
  currency: string;
  amount: bigint;
  period_index: number | null;
  created_at: Date;
  provider: string | null;
  charges: (OldCharge & { is_recorded: boolean })[];
  refunds: OldRefund[];
}

/** A charge that the ledger records, and a refund that was taken from an account, are not old. */
async function readOldPayments(on: Database | Transaction, which: Prisma.Sql): Promise<OldPayment[]> {
  const rows = await sql(on).query<OldPaymentRow[]>`
    SELECT p.id, p.kind, p.status, p.currency, p.amount, p.period_index, p.created_at, p.provider,
      (SELECT coalesce(json_agg(json_build_object('attempt', a.number, 'provider', a.provider, 'amount', a.amount,
          'is_recorded', EXISTS (SELECT FROM ledger_transactions t WHERE t.id = p.id || '/collected/' || a.number))
          ORDER BY a.settled_at, EXISTS (SELECT FROM refunds r WHERE r.payment_id = a.payment_id
            AND r.attempt = a.number AND r.reason = 'second_success'), a.number), '[]')
        FROM payment_attempts a WHERE a.payment_id = p.id AND a.status = 'completed') AS charges,
      (SELECT coalesce(json_agg(json_build_object('id', r.id, 'attempt', r.attempt, 'amount', r.amount,
          'status', r.status) ORDER BY r.created_at, r.id), '[]')
        FROM refunds r WHERE r.payment_id = p.id AND r.taken IS NULL AND r.released_at IS NULL) AS refunds
    FROM payments p WHERE ${which} ORDER BY p.created_at, p.id`;
  return rows.map(oldPayment);
}

function oldPayment({ status, provider, charges: found, ...row }: OldPaymentRow): OldPayment {
  const amount = Number(row.amount);
  // Paid, and no attempt says how: the payment does.
  const isBare = found.length === 0 && isPaymentPaid(status);
  const charges = isBare ? [{ attempt: 1, provider, amount, is_recorded: false }] : found;
  const [paying] = charges;
  return {
    ...row,
    amount,
    created_at: row.created_at.toISOString(),
    paid_by: paying === undefined || paying.is_recorded ? null : paying.attempt,
    charges: charges
      .filter(({ is_recorded: isRecorded }) => !isRecorded)
      .map(({ attempt, provider: by, amount: charged }) => ({ attempt, provider: by, amount: charged })),
  };
}

/** Writes the first state of a subscription. Its lock is held. */
export function enqueueOpeningState(tx: Transaction, subscriptionId: string, state: LedgerState): void {
  sql(tx).enqueue`
    UPDATE subscriptions SET ledger_state = ${JSON.stringify(state)}::jsonb WHERE id = ${subscriptionId}`;
}

/** Marks the refunds of before the ledger: from which accounts they have taken money, or that they have not. */
export function enqueueOldRefunds(tx: Transaction, { set_aside, given_up }: OldRefunds, realNow: Date): void {
  for (const { refund_id: id, taken } of set_aside) {
    sql(tx)
      .enqueue`UPDATE refunds SET taken = ${JSON.stringify(taken)}::jsonb WHERE id = ${id} AND taken IS NULL`;
  }
  for (const id of given_up) {
    sql(tx).enqueue`UPDATE refunds SET released_at = ${realNow} WHERE id = ${id} AND released_at IS NULL`;
  }
}

/** What of the next rows is still to be entered. */
export interface NextUnentered {
  ids: string[];
  /** The last row that was looked at; null: there was none. */
  last: string | null;
}

/** Looks at the next subscriptions by id, so that no statement reads the whole table. */
export async function findUnentered(on: Database, after: string, limit: number): Promise<NextUnentered> {
  const rows = await sql(on).query<{ id: string; entered: boolean }[]>`
    SELECT id, ledger_state IS NOT NULL AS entered FROM subscriptions WHERE id > ${after} ORDER BY id LIMIT ${limit}`;
  return { ids: rows.filter(({ entered }) => !entered).map(({ id }) => id), last: rows.at(-1)?.id ?? null };
}

/** {@link findUnentered} for payments of their own, and those without a subscription. */
export async function findUnenteredPayments(
  on: Database,
  after: string,
  limit: number,
): Promise<NextUnentered> {
  const rows = await sql(on).query<{ id: string; unentered: boolean }[]>`
    SELECT p.id, (p.kind = 'manual' OR p.subscription_id IS NULL)
        AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.id = p.id || '/opening')
        AND (EXISTS (SELECT FROM payment_attempts a WHERE a.payment_id = p.id AND a.status = 'completed'
            AND NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.id = p.id || '/collected/' || a.number))
          OR p.status = ANY(${paidStatuses})
            AND NOT EXISTS (SELECT FROM payment_attempts a WHERE a.payment_id = p.id AND a.status = 'completed'))
        AS unentered
    FROM payments p WHERE p.id > ${after} ORDER BY p.id LIMIT ${limit}`;
  return {
    ids: rows.filter(({ unentered }) => unentered).map(({ id }) => id),
    last: rows.at(-1)?.id ?? null,
  };
}

const paidStatuses = paymentStatuses.filter(isPaymentPaid);
