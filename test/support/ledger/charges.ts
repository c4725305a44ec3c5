/** Charges of a life: what the provider reports of an attempt, at once or late. */
import { applyChangePayment, dropChange } from './changes';
import { applyPeriodPayment, recordFailure } from './periods';
import { cash, type Payment, type Sub, type World } from './world';

/** The provider has charged a payment: it is recorded, and applied at once. */
export function succeed(world: World, payment: Payment): void {
  charge(world, payment);
  if (payment.sub !== null) applyCharged(world, world.sub(payment.sub));
}

/** The provider has charged a payment: it is recorded. */
export function charge(world: World, payment: Payment): void {
  const { id, sub, amount, purpose } = payment;
  payment.status = 'paid';
  world.write(sub, 'payment_collected', [
    { account: cash, source: id, amount },
    { account: purpose === 'own' ? 'earned' : 'unapplied', source: id, amount: -amount },
  ]);
  world.oracle.charged(id, sub, amount);
  if (purpose === 'own') payment.applied = true;
  else payment.unapplied = amount;
}

/** Applies what was charged for a subscription. */
export function applyCharged(world: World, sub: Sub): void {
  for (const payment of world.unapplied(sub.id)) {
    payment.applied = true;
    if (payment.purpose === 'change') applyChangePayment(world, sub, payment);
    else applyPeriodPayment(world, sub, payment);
  }
}

export function fail(world: World, payment: Payment): void {
  payment.status = 'failed';
  if (payment.sub === null) return;
  const sub = world.sub(payment.sub);
  if (payment.purpose === 'change') dropChange(world, sub, payment);
  else recordFailure(world, sub, payment);
}

/** A payment of its own is requested. */
export function requestPayment(world: World, id: string, amount: number): Payment {
  return world.newPayment({ id, sub: null, purpose: 'own', amount });
}
