/**
 * The step before the first charge with a payment method, at providers that have one: the method is made chargeable,
 * and whose it is at the provider, and which card, is kept beside it.
 *
 * Invariant: what is kept is never another one afterwards, and it is kept before a charge is sent, so that every
 * execution of an attempt sends the same, and a lookup knows where to look.
 */
import type { AttemptOutcome } from '../../domain/payment/payment';
import type { Database } from '../../prisma/client';
import type { ChargeRequest, PaymentProvider } from '../../providers/port';
import type { AttemptCall } from './begin-attempt';

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
  await db.paymentMethod.updateMany({
    where: { id: paymentMethodId, provider_customer: null },
    data: { provider_customer: made.provider_customer, fingerprint: made.fingerprint },
  });
  // Another execution may have been first.
  const providerCustomer = await providerCustomerOf(db, paymentMethodId);
  return { status: 'ready', charge: { ...charge, providerCustomer } };
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
