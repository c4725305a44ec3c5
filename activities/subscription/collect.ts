/**
 * Money for a subscription's period in one go: the provider's call of an attempt that has begun, then its answer and
 * what it makes of the subscription in one transaction.
 *
 * Invariants: run again, it goes on with the same attempt and the same key; a call without a clear answer leaves the
 * payment open, never failed.
 */
import type { AttemptOutcome } from '../../domain/payment';
import { inTransaction, type Transaction } from '../../prisma/client';
import { timesFor, type Times } from '../../prisma/clock';
import type { Prisma } from '../../prisma/generated/client';
import { lockPayment, type LockedPayment } from '../../prisma/locks';
import {
  answerOf,
  callProvider,
  firstCallTimeoutMs,
  recordAnswer,
  type AttemptDependencies,
} from '../payment/attempt';
import type { AttemptAnswer, BegunAttempt } from '../payment/begin-attempt';
import { toRecord, type SubscriptionRecord, type SubscriptionRow } from './record';
import { mustLock } from './transition';

type PaymentRow = Prisma.PaymentGetPayload<object>;

/** A payment whose first attempt has begun, or was answered before. */
export interface BegunCharge {
  record: SubscriptionRecord;
  paymentId: string;
  attempt: BegunAttempt;
}

/** What a payment that is not open any more makes of its subscription; both are locked. */
type Apply = (
  tx: Transaction,
  row: SubscriptionRow,
  payment: PaymentRow,
  times: Times,
) => Promise<SubscriptionRecord>;

/** @returns the record as it stands then; while the answer is open, nothing is applied */
export async function collect(
  deps: AttemptDependencies,
  { record, paymentId, attempt }: BegunCharge,
  apply: Apply,
): Promise<{ record: SubscriptionRecord; answer: AttemptAnswer }> {
  const tell = await told(deps, attempt);
  return inTransaction(deps.db, async (tx) => {
    const { row, realNow } = await mustLock(tx, record.subscription.id);
    const locked = await lockPayment(tx, paymentId);
    if (locked === null) throw new Error(`payment ${paymentId} does not exist`);
    const { payment, answer } = await tell(tx, { payment: locked, subscription: row, realNow });
    if (answer.status === 'open') return { record: toRecord(row), answer };
    const times = await timesFor(tx, row.test_clock_id, realNow);
    return { record: await apply(tx, row, payment, times), answer };
  });
}

/** Records what is known of an attempt, and says what it came to. */
type Tell = (
  tx: Transaction,
  locked: LockedPayment,
) => Promise<{ payment: PaymentRow; answer: AttemptAnswer }>;

/** Makes the attempt's call, unless what it came to was known before. */
async function told(deps: AttemptDependencies, attempt: BegunAttempt): Promise<Tell> {
  if (attempt.kind === 'answer') {
    return async (_tx, { payment }) => ({ payment, answer: attempt.answer });
  }
  const outcome = await said(callProvider(deps, attempt, firstCallTimeoutMs));
  return async (tx, locked) => {
    const { payment, attempt: row } = await recordAnswer(tx, locked, attempt.charge.attempt, outcome);
    return { payment, answer: answerOf(row) };
  };
}

/** A call that broke off has no clear answer; its follow-up makes it again, and shows what is wrong. */
async function said(call: Promise<AttemptOutcome>): Promise<AttemptOutcome> {
  try {
    return await call;
  } catch (error) {
    return { status: 'unknown', reason: String(error) };
  }
}
