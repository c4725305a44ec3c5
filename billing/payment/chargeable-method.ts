/**
 * The step before the first charge with a payment method, at providers that have one: the method is made chargeable,
 * and whose it is at the provider, and which card, is kept beside it.
 *
 * Invariant: what is kept is never another one afterwards, and it is kept before a charge is sent, so that every
 * execution of an attempt sends the same, and a lookup knows where to look. A card that met a hard decline for the payment
 * is not charged for it again, whatever method it was added as.
 */
import { failure, type AttemptOutcome, type Failure } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import type { ChargeRequest, PaymentProvider } from '../../providers/port';
import type { AttemptCall } from './begin-attempt';
import { findCardFailures } from './card-store';

/** The part of an attempt's time that this step may take besides; the charge has its own. */
const shareOfTimeout = 0.5;

/** The charge to send, or what the attempt came to without one. */
export async function chargeableMethod(
  db: Database,
  provider: PaymentProvider,
  { charge, paymentMethodId }: AttemptCall,
  timeoutMs: number,
): Promise<
  | { status: 'ready'; charge: ChargeRequest }
  | Extract<AttemptOutcome, { status: 'failed' } | { status: 'unknown' }>
> {
  if (provider.ensurePaymentMethod === undefined || charge.providerCustomer !== null) {
    return { status: 'ready', charge };
  }
  const made = await provider.ensurePaymentMethod(
    {
      idempotencyKey: charge.idempotencyKey,
      token: charge.token,
      customerId: charge.customerId,
      knownProviderCustomer: await knownCustomer(db, provider.name, charge.customerId),
    },
    timeoutMs * shareOfTimeout,
  );
  if (made.status !== 'ready') return made;
  const { provider_customer, fingerprint } = made;
  const refused = await earlierHardDecline(db, charge, { provider: provider.name, fingerprint });
  await db.paymentMethod.updateMany({
    where: { id: paymentMethodId, provider_customer: null },
    data: { fingerprint, ...(refused === null && { provider_customer }) },
  });
  if (refused !== null) return { status: 'failed', provider_reference: null, failure: refused };
  // Another execution may have been first.
  const providerCustomer = await providerCustomerOf(db, paymentMethodId);
  return { status: 'ready', charge: { ...charge, providerCustomer } };
}

/**
 * The hard decline that this very card met for this payment, as another method; null: none. Only now is it known which
 * card the method is. While it has no customer at the provider, no execution has sent a charge with it.
 */
async function earlierHardDecline(
  db: Database,
  { paymentId, attempt: before }: ChargeRequest,
  { provider, fingerprint }: { provider: string; fingerprint: string | null },
): Promise<Failure | null> {
  if (before === 1 || fingerprint === null) return null;
  const failures = await findCardFailures(db, { paymentId, before, provider, fingerprint });
  const hard = failures.find(({ category }) => category === 'hard');
  if (hard === undefined) return null;
  const message = 'The same card was declined for good before; it was not charged again.';
  return failure(hard.code, message, hard.provider_code);
}

/** Whose the method is at its provider; null while it was never made chargeable. */
export async function providerCustomerOf(
  db: Database,
  paymentMethodId: string | null,
): Promise<string | null> {
  if (paymentMethodId === null) return null;
  const method = await db.paymentMethod.findUnique({ where: { id: paymentMethodId } });
  return method?.provider_customer ?? null;
}

/** The provider's customer of the customer's newest other method that has one. */
async function knownCustomer(db: Database, provider: string, customerId: string): Promise<string | null> {
  const method = await db.paymentMethod.findFirst({
    where: { customer_id: customerId, provider, provider_customer: { not: null } },
    orderBy: { created_at: 'desc' },
  });
  return method?.provider_customer ?? null;
}
