/**
 * A charge of which more was taken than there was: what comes back of one taking stands for what another has taken.
 *
 * The caller holds the payment's lock. Invariant: `taken` of each refund and each lost dispute is what it has taken by
 * now, so that giving all of them back leaves what was charged.
 */
import { beyondCharge, returnShared, type Bearer } from '../../domain/ledger/beyond';
import type { GoneElsewhere, Taken } from '../../domain/ledger/refund';
import type { Transaction } from '../../prisma/client';
import type { DisputeRow } from '../ledger-rows';
import type { AttemptRow, PaymentRow, RefundRow } from '../rows';
import { enqueueLoss, findLostDisputes } from './dispute-store';
import { enqueueTaken, findTakingRefunds, reservedBefore, setAsideOf } from './refund-store';

/** What of an amount that is taken now is beyond what is left of the charge, minor units. */
export async function beyondNow(
  tx: Transaction,
  payment: Pick<PaymentRow, 'lost_amount'>,
  attempt: AttemptRow,
  amount: number,
): Promise<number> {
  return beyondCharge(amount, Number(attempt.amount - payment.lost_amount) - (await setAsideOf(tx, attempt)));
}

/** What comes back, and what of it others have taken. */
export interface Shared {
  taken: Taken;
  gone: GoneElsewhere[];
}

/** Decides what a refund that is given up puts back. It still counts as set aside. */
export async function shareRefund(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  refund: RefundRow & { taken: Taken },
): Promise<Shared> {
  const own = refund.taken.beyond ?? (await ownBeyond(tx, attempt, refund));
  return share(tx, payment, attempt, { id: refund.id, taken: refund.taken, own });
}

/** Decides what a lost dispute that is won after all puts back. It still counts as lost. */
export async function shareLoss(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  { id }: DisputeRow,
  taken: Taken,
): Promise<Shared> {
  // Older than this is kept: as if it had all gone before.
  return share(tx, payment, attempt, { id, taken, own: taken.beyond ?? Number.MAX_SAFE_INTEGER });
}

interface NamedBearer extends Bearer {
  id: string;
}

async function share(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  { id, taken, own }: { id: string; taken: Taken; own: number },
): Promise<Shared> {
  const gone = (await setAsideOf(tx, attempt)) + Number(payment.lost_amount);
  const beyond = Math.max(0, gone - Number(attempt.amount) - own);
  if (beyond === 0) return { taken, gone: [] };
  const others = (await bearersOf(tx, attempt)).filter((bearer) => bearer.id !== id);
  const otherwise = payment.lost_amount > 0n ? 'written_off' : 'allowances';
  const shared = returnShared({ ...taken, beyond: own }, beyond, others, otherwise);
  for (const bearer of shared.bearers) {
    const enqueue = bearer.account === 'written_off' ? enqueueLoss : enqueueTaken;
    enqueue(tx, bearer.id, bearer.taken);
  }
  return shared;
}

async function bearersOf(tx: Transaction, attempt: AttemptRow): Promise<NamedBearer[]> {
  const [losses, refunds] = await Promise.all([
    findLostDisputes(tx, attempt),
    findTakingRefunds(tx, attempt),
  ]);
  const bearing = (rows: readonly (DisputeRow | RefundRow)[], account: Bearer['account']) =>
    rows.flatMap(({ id, taken }) => (taken === null ? [] : [{ id, taken, account }]));
  return [...bearing(losses, 'written_off'), ...bearing(refunds, 'allowances')];
}

/** What a refund of before this was kept went beyond the charge with: that was taken from nothing else. */
async function ownBeyond(tx: Transaction, attempt: AttemptRow, refund: RefundRow): Promise<number> {
  const before = await reservedBefore(tx, attempt, refund);
  return beyondCharge(Number(refund.amount), Number(attempt.amount) - before);
}
