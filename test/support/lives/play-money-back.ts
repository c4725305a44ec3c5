/** Plays money that goes back: refunds here and at the provider, disputes; credit that operators grant and pay out. */
import { changeCredit } from '../../../billing/customer/credits';
import { payOutCredit } from '../../../billing/customer/payouts';
import { resolveOperatorTask } from '../../../billing/operator/tasks';
import { findPayingAttempt } from '../../../billing/payment/attempt-store';
import { payRefund, reserveRefund } from '../../../billing/payment/pay-refund';
import { recordProviderRefund } from '../../../billing/payment/provider-refund';
import { recordDispute } from '../../../billing/payment/record-dispute';
import { settleRefund } from '../../../billing/payment/settle-refund';
import type { DisputeEvent } from '../../../domain/ledger/dispute';
import { grantSource } from '../../../domain/ledger/state';
import type { RefundOutcome } from '../../../domain/payment/refund';
import { inTransaction, type Transaction } from '../../../prisma/client';
import { actor } from '../creation';
import { someTrace } from '../trace';
import type { RefundFigures } from './rows';
import type { PlayedDispute, Stage } from './stage';

const succeeded = (id: string): RefundOutcome => ({ status: 'succeeded', provider_reference: `re_${id}` });
const failed: RefundOutcome = { status: 'failed', provider_reference: null, reason: 'account_closed' };

export async function playRefund(
  stage: Stage,
  { payment, amount }: { payment: string; amount: number },
): Promise<void> {
  const id = `rfd_${stage.label}_${stage.rows.refunds.length}`;
  const command = { refund_id: id, amount, reason: 'goodwill', actor };
  await stage.maybeTwice('refund', async () => {
    const reserved = await reserveRefund(stage.deps, stage.named(payment), command);
    if (reserved.kind === 'refused') throw new Error(`the refund is refused: ${reserved.reason}`);
  });
}

function rowOf(stage: Stage, name: string): RefundFigures {
  const id = stage.named(name);
  const row = stage.rows.refunds.find((each) => each.id === id);
  if (row === undefined) throw new Error(`there is no refund ${name}`);
  return row;
}

export async function playRefundPaid(stage: Stage, name: string): Promise<void> {
  const { id, status, payment_id: paymentId, amount } = rowOf(stage, name);
  if (status === 'pending' && stage.way('refund paid') === 'answer') {
    await payRefund(stage.deps, id);
    return;
  }
  stage.provider.move(paymentId, -amount);
  await settle(stage, id, succeeded(id));
}

export async function playRefundFails(stage: Stage, name: string): Promise<void> {
  const { id, status, payment_id: paymentId, amount } = rowOf(stage, name);
  if (status === 'succeeded') stage.provider.move(paymentId, amount);
  await settle(stage, id, failed);
}

function settle(stage: Stage, id: string, outcome: RefundOutcome): Promise<void> {
  return stage.maybeTwice('webhook of a refund', () =>
    inTransaction(stage.db, (tx) => settleRefund(tx, id, outcome)),
  );
}

/** An operator resolves the task that asks about it. */
export async function playGivenUp(stage: Stage, name: string): Promise<void> {
  const subject_id = stage.named(name);
  const where = { kind: 'refund_failed', subject_type: 'refund', subject_id, status: 'open' };
  const { id } = await stage.db.operatorTask.findFirstOrThrow({ where });
  const decision = { reason: 'looked it up', outcome: 'failed' } as const;
  const call = { callerId: 'key_1', trace: someTrace };
  await stage.maybeTwice('task resolved', () => resolveOperatorTask(stage.db, id, decision, call));
}

/** With the attempt whose charge paid the payment. */
async function ofCharge(
  { db }: Stage,
  paymentId: string,
  work: (tx: Transaction, attempt: NonNullable<Awaited<ReturnType<typeof findPayingAttempt>>>) => unknown,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const attempt = await findPayingAttempt(tx, paymentId);
    if (attempt === null) throw new Error(`${paymentId} was not paid`);
    await work(tx, attempt);
  });
}

export async function playRefundAtProvider(
  stage: Stage,
  { payment, amount }: { payment: string; amount: number },
): Promise<void> {
  const paymentId = stage.named(payment);
  const reference = `re_${stage.label}_${stage.rows.refunds.length}`;
  const refund = { provider: 'sandbox', reference, amount, status: 'succeeded' } as const;
  stage.provider.move(paymentId, -amount);
  await stage.maybeTwice('refund at the provider', () =>
    ofCharge(stage, paymentId, (tx, attempt) => recordProviderRefund(tx, attempt, refund)),
  );
}

export async function playDisputeOpens(
  stage: Stage,
  { dispute: name, payment, amount }: { dispute: string; payment: string; amount: number },
): Promise<void> {
  const reference = `dp_${stage.label}_${name}`;
  const dispute: PlayedDispute = { paymentId: stage.named(payment), reference, amount, status: 'opened' };
  stage.disputes.set(name, dispute);
  stage.provider.move(dispute.paymentId, -amount);
  await report(stage, dispute, 'opened');
}

export async function playDisputeClosed(stage: Stage, name: string, event: 'won' | 'lost'): Promise<void> {
  const dispute = stage.disputes.get(name);
  if (dispute === undefined) throw new Error(`there is no dispute ${name}`);
  const { paymentId, amount, status } = dispute;
  if (event === 'won') stage.provider.move(paymentId, amount);
  else if (status === 'won') stage.provider.move(paymentId, -amount);
  dispute.status = event;
  await report(stage, dispute, event);
}

function report(
  stage: Stage,
  { paymentId, reference, amount }: PlayedDispute,
  event: DisputeEvent,
): Promise<void> {
  const reported = { provider: 'sandbox', reference, event, amount };
  return stage.maybeTwice(`dispute ${event}`, () =>
    ofCharge(stage, paymentId, (tx, attempt) => recordDispute(tx, attempt, reported)),
  );
}

export async function playCredit(
  stage: Stage,
  { id: name, amount }: { id: string; amount: number },
): Promise<void> {
  const id = `ltx_${stage.label}_${name}`;
  stage.call(grantSource(name), grantSource(id));
  const { customerId, currency } = stage;
  const request = { id, customerId, currency, amount, reason: 'goodwill', actor };
  await stage.maybeTwice('credit', () => changeCredit(stage.db, request));
}

export async function playPayOut(stage: Stage, amount: number): Promise<void> {
  const { customerId, currency, db, limitsOf } = stage;
  const id = `pyo_${stage.label}_${stage.rows.refunds.length}`;
  const request = { id, customerId, currency, amount, reason: 'asked for', actor };
  await stage.maybeTwice('payout', () => payOutCredit(db, limitsOf, request));
}
