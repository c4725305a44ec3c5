/** The row of a payment of its own: asked for by the API, or by a record of another producer. */
import type { EventData } from '../../contracts/topics/events';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import type { Times } from '../clock';
import type { PaymentRow } from '../rows';
import { insertManualPayment } from './store';

export type RequestedPayment = Omit<EventData<'payments.requested'>, 'actor'>;

/** Writes it, or finds the one with this id. @returns the row, and whether it was written here */
export async function requestPayment(
  tx: Transaction,
  wanted: RequestedPayment,
  trace: TraceContext,
  times: Times,
): Promise<{ payment: PaymentRow; isNew: boolean }> {
  const { payment_id: id, ...terms } = wanted;
  return insertManualPayment(tx, { id, ...terms, trace }, times);
}

/** Whether the payment is the one that is asked for. */
export function isSamePayment(payment: PaymentRow, wanted: RequestedPayment): boolean {
  return (
    payment.kind === 'manual' &&
    payment.customer_id === wanted.customer_id &&
    payment.subscription_id === wanted.subscription_id &&
    payment.currency === wanted.currency &&
    Number(payment.amount) === wanted.amount
  );
}
