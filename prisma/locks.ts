/**
 * Row locks, in the one order that everybody keeps: subscription, payment, attempt, outbox.
 *
 * A payment is read by a statement of its own after the subscription's lock, so that it is seen as committed by
 * whoever held that lock before (READ COMMITTED). FOR SHARE is never upgraded.
 */
import type { Prisma } from './generated/client';
import type { Transaction } from './client';

/** Locks a subscription for a change. Null when it does not exist. */
export async function lockSubscription(
  tx: Transaction,
  subscriptionId: string,
): Promise<Prisma.SubscriptionGetPayload<object> | null> {
  await tx.$queryRaw`SELECT 1 FROM subscriptions WHERE id = ${subscriptionId} FOR UPDATE`;
  return tx.subscription.findUnique({ where: { id: subscriptionId } });
}

/** Keeps a subscription as it is until the transaction ends, beside others who do the same. */
export async function shareSubscription(
  tx: Transaction,
  subscriptionId: string | null,
): Promise<Prisma.SubscriptionGetPayload<object> | null> {
  if (subscriptionId === null) return null;
  await tx.$queryRaw`SELECT 1 FROM subscriptions WHERE id = ${subscriptionId} FOR SHARE`;
  return tx.subscription.findUnique({ where: { id: subscriptionId } });
}

/** Locks a payment for a change. Null when it does not exist. */
export async function lockPayment(
  tx: Transaction,
  paymentId: string,
): Promise<Prisma.PaymentGetPayload<object> | null> {
  await tx.$queryRaw`SELECT 1 FROM payments WHERE id = ${paymentId} FOR UPDATE`;
  return tx.payment.findUnique({ where: { id: paymentId } });
}

/**
 * Locks a payment for a change while its subscription, if it has one, stays as it is: the order for whoever writes
 * payments or attempts. @throws when there is no such payment
 */
export async function lockPaymentInOrder(
  tx: Transaction,
  paymentId: string,
): Promise<{
  payment: Prisma.PaymentGetPayload<object>;
  subscription: Prisma.SubscriptionGetPayload<object> | null;
}> {
  const known = await tx.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const subscription = await shareSubscription(tx, known.subscription_id);
  const payment = await lockPayment(tx, paymentId);
  if (payment === null) throw new Error(`payment ${paymentId} does not exist`);
  return { payment, subscription };
}
