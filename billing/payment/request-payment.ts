/** The row of a payment of its own: asked for by the API, or by a record of another producer. */
import type { EventData } from '../../contracts/topics/events';
import type { Transaction } from '../../prisma/client';
import { paymentRow, type PaymentRow } from '../rows';

export type RequestedPayment = Omit<EventData<'payments.requested'>, 'actor'>;

/** Writes it, or finds the one with this id. */
export async function requestPayment(
  tx: Transaction,
  wanted: RequestedPayment,
  now: Date,
): Promise<PaymentRow> {
  const { payment_id: id, ...terms } = wanted;
  const row = { id, ...terms, kind: 'manual', status: 'requested', announced: true };
  await tx.payment.createMany({ data: [{ ...row, created_at: now, updated_at: now }], skipDuplicates: true });
  return paymentRow(await tx.payment.findUniqueOrThrow({ where: { id } }));
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
