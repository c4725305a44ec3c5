import { renewSubscription } from '../../../billing/renewal/renew';
import { periodPaymentId } from '../../../domain/ids';
import { completed, useBilling } from '../../support/billing';
import { startLife } from '../../support/subscription-life';

const given = useBilling();
beforeAll(async () => {
  given.provider.charges = [completed];
});

/** Lets `turns` turns of the event loop pass. */
async function after(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** @param at called when the renewal reaches a step: 0 before it, 1 at the provider, which waits for it, 2 done */
async function renew(id: string, at: (step: number) => void | Promise<unknown>): Promise<void> {
  await at(0);
  given.provider.slow = async () => void (await at(1));
  await renewSubscription(given, id);
  await at(1);
  await at(2);
}

describe('a cancellation that races a renewal', () => {
  it('leaves it charged and refunded, or not charged; 200 times', async () => {
    const seen = { before: 0, between: 0, paid: 0 };
    for (let round = 0; round < 200; round += 1) {
      const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
      await lived.setNow('2027-02-01T00:00:00.000Z');
      const asked = given.provider.asked.length;
      const cancelling: ReturnType<typeof lived.cancel>[] = [];
      // Each round meets the renewal at another step, a few turns later than the one before.
      await renew(lived.id, (step) => {
        if (step !== round % 3 || cancelling.length > 0) return;
        const cancelled = after(Math.floor(round / 3) % 8).then(() => lived.cancel({ refund: 'full' }));
        cancelling.push(cancelled);
        // Every other time it is over when the renewal goes on; else the two run side by side.
        return round % 2 === 0 ? cancelled : undefined;
      });
      given.provider.slow = () => Promise.resolve();
      const cancelled = await cancelling[0];
      if (cancelled === undefined) throw new Error('nobody cancelled');
      expect(cancelled.kind).toBe('committed');
      expect((await lived.read()).status).toBe('cancelled');
      const paymentId = periodPaymentId(lived.id, 2);
      const charges = given.provider.asked
        .slice(asked)
        .filter((charge) => charge.paymentId === paymentId).length;
      const [event] = await lived.events('subscriptions.cancelled');
      const reserved = await given.db.refund.findMany({ where: { payment_id: paymentId } });
      // Recorded before the cancellation: its refund is the event's. In flight: given back by who settled it.
      const wasPaid = event?.subscription.period?.index === 2 && event.subscription.period.paid;
      const givenBack = wasPaid
        ? (event.refund?.amount ?? 0)
        : reserved.reduce((sum, { amount }) => sum + Number(amount), 0);
      expect([charges, givenBack]).toEqual(charges === 0 ? [0, 0] : [1, 1000]);
      seen[charges === 0 ? 'before' : wasPaid ? 'paid' : 'between'] += 1;
    }
    // Both ends and the middle were met, or this shows nothing.
    for (const rounds of Object.values(seen)) expect(rounds).toBeGreaterThan(10);
  }, 300_000);
});
