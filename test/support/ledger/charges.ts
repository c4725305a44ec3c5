/** Charges of a life: what the provider reports of an attempt, at once or late. */
import { applyChangePayment, dropChange } from './changes';
import { applyPeriodPayment, recordFailure } from './periods';
import { cash, type Payment, type World } from './world';

/** The provider has charged a payment: it is recorded, and applied at once. */
export function succeed(world: World, payment: Payment): void {
  const { id, sub, amount, purpose } = payment;
  payment.status = 'paid';
  world.write(sub, 'payment_collected', [
    { account: cash, source: id, amount },
    { account: purpose === 'own' ? 'earned' : 'unapplied', source: id, amount: -amount },
  ]);
  world.oracle.charged(id, sub, amount);
  if (sub === null) return;
  payment.unapplied = amount;
  if (purpose === 'change') applyChangePayment(world, world.sub(sub), payment);
  else applyPeriodPayment(world, world.sub(sub), payment);
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
