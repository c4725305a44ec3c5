/**
 * What the follow-up of a payment decides by, as it stands in the rows.
 *
 * Plain JSON: it travels into workflows and stays in their histories, so fields are added and never removed.
 */
import {
  isPaymentPaid,
  paymentStatuses,
  type AttemptStatus,
  type AttemptTrigger,
  type PaymentKind,
  type PaymentStatus,
} from '../../domain/payment/payment';
import { absenceCountsAtMs } from '../../domain/payment/unknown-outcome';
import { finalStatuses } from '../../domain/subscription/subscription';
import type { Database, Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import type { PaymentRow } from '../rows';
import { waitsForOtherCard } from './other-card-store';

export interface PaymentState {
  payment_id: string;
  subscription_id: string | null;
  customer_id: string;
  amount: number;
  currency: string;
  kind: PaymentKind;
  status: PaymentStatus;
  /** The latest; null when none began. */
  attempt: LatestAttempt | null;
  /**
   * The money of its open attempt is not wanted any more: the payment was cancelled, or paid by another attempt, or its
   * subscription has ended. Left out by older histories.
   */
  given_up?: boolean;
  /** Of a first payment: another card is to pay it, once its open attempt is cancelled. Left out by older histories. */
  other_card?: boolean;
  created_at: string;
  /** Ids of refunds that are reserved and not settled, oldest first. */
  refunds_due: string[];
  /** The customer's test clock, which business waits follow; null: their time is real. */
  test_clock: PaymentClockState | null;
}

/** Instants are by the customer's time. Histories of before lookups went on for ever have the first three fields only. */
export interface LatestAttempt {
  number: number;
  status: AttemptStatus;
  trigger: AttemptTrigger;
  /** Since when its outcome is not known; null: by a test clock, no lookup was made yet. */
  open_since?: string | null;
  /** Lookups made so far, and when the last one was. */
  lookups?: number;
  looked_up_at?: string | null;
  /** When the provider was last asked to cancel it; null: never. */
  cancel_asked_at?: string | null;
}

export interface PaymentClockState {
  id: string;
  now: string;
  /** Real time: from then on a lookup that never heard of the attempt is evidence. */
  absence_counts_at: string | null;
}

const maxRefundsAtOnce = 50;
const paidStatuses = paymentStatuses.filter(isPaymentPaid);

/** A payment with its latest attempt, its customer's test clock and the refunds that are not settled. */
type StateRow = Pick<
  PaymentRow,
  'id' | 'subscription_id' | 'customer_id' | 'amount' | 'currency' | 'kind' | 'status' | 'created_at'
> & {
  latest: LatestAttempt | null;
  given_up: boolean;
  other_card: boolean;
  /** When the latest attempt's last call ended. */
  last_call_at: Date | null;
  clock_id: string | null;
  clock_now: Date | null;
  refunds_due: string[];
};

async function findStateRow(on: Database | Transaction, paymentId: string): Promise<StateRow | undefined> {
  const [row] = await sql(on).query<StateRow[]>`
    SELECT p.id, p.subscription_id, p.customer_id, p.amount, p.currency, p.kind, p.status, p.created_at,
      CASE WHEN a.number IS NOT NULL
        THEN json_build_object('number', a.number, 'status', a.status, 'trigger', a.trigger, 'lookups', a.lookups,
          'looked_up_at', a.looked_up_at, 'cancel_asked_at', a.cancel_asked_at, 'open_since', coalesce(a.open_since,
            CASE WHEN k.id IS NULL THEN coalesce(a.last_call_ended_at, a.started_at) END)) END AS latest,
      p.cancel_requested_at IS NOT NULL OR a.settled_at IS NULL AND p.status = ANY(${paidStatuses})
        OR p.kind <> 'manual' AND EXISTS (
          SELECT FROM subscriptions s WHERE s.id = p.subscription_id AND s.status = ANY(${finalStatuses})
        ) AS given_up,
      p.kind = 'first' AND EXISTS (
        SELECT FROM subscriptions s WHERE s.id = p.subscription_id AND ${waitsForOtherCard}
      ) AS other_card,
      coalesce(a.last_call_ended_at, a.started_at) AS last_call_at,
      k.id AS clock_id, k.now AS clock_now,
      ARRAY(SELECT r.id FROM refunds r WHERE r.payment_id = p.id AND r.settled_at IS NULL
        ORDER BY r.created_at, r.id LIMIT ${maxRefundsAtOnce}) AS refunds_due
    FROM payments p JOIN customers c ON c.id = p.customer_id
      LEFT JOIN test_clocks k ON k.id = c.test_clock_id
      LEFT JOIN LATERAL (
        SELECT * FROM payment_attempts WHERE payment_id = p.id ORDER BY number DESC LIMIT 1
      ) AS a ON true
    WHERE p.id = ${paymentId}`;
  return row;
}

/** Reads the state of now; null when there is no such payment. */
export async function readState(on: Database | Transaction, paymentId: string): Promise<PaymentState | null> {
  const row = await findStateRow(on, paymentId);
  if (row === undefined) return null;
  return {
    payment_id: row.id,
    subscription_id: row.subscription_id,
    customer_id: row.customer_id,
    amount: Number(row.amount),
    currency: row.currency,
    kind: row.kind,
    status: row.status,
    attempt: row.latest,
    given_up: row.given_up,
    other_card: row.other_card,
    created_at: row.created_at.toISOString(),
    refunds_due: row.refunds_due,
    test_clock: clockState(row),
  };
}

function clockState({ clock_id, clock_now, last_call_at }: StateRow): PaymentClockState | null {
  if (clock_id === null || clock_now === null) return null;
  const countsAtMs = last_call_at === null ? null : absenceCountsAtMs(last_call_at.getTime());
  return {
    id: clock_id,
    now: clock_now.toISOString(),
    absence_counts_at: countsAtMs === null ? null : new Date(countsAtMs).toISOString(),
  };
}

/** There is no such payment. */
export class UnknownPayment extends Error {
  override readonly name = 'UnknownPayment';
  constructor(paymentId: string) {
    super(`payment ${paymentId} does not exist`);
  }
}

/** @throws UnknownPayment */
export async function mustRead(on: Database | Transaction, paymentId: string): Promise<PaymentState> {
  const state = await readState(on, paymentId);
  if (state === null) throw new UnknownPayment(paymentId);
  return state;
}
