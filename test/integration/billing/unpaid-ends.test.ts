/** Subscriptions that end, with a refund, while their present period is not paid. */
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { declined, pending } from '../../support/billing';
import { on, useMoneyLives } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** The second month has opened and is not paid: it is 11 July. */
async function unpaid(outcome: AttemptOutcome) {
  const money = await begin('basic');
  given.provider.charges = [outcome];
  await money.life.advance(on('07-01'));
  if (outcome === declined) await money.startDunning(1);
  await money.life.setNow(on('07-11'));
  return money;
}

describe.each([
  ['being charged', pending],
  ['past due', declined],
])('an end while the period is %s', (_, outcome) => {
  it.each(['full', 'prorated', 'none'] as const)(
    'with refund %s leaves no credit of what was not paid',
    async (refund) => {
      const money = await unpaid(outcome);
      await money.life.cancel({ refund });
      expect(await money.customerCredit()).toBe(0);
      expect(await money.refunds()).toEqual([]);
      expect(await money.accounts()).toEqual({
        'cash/sandbox': 1000,
        earned: -1323,
        written_off: 323,
      });
    },
  );
});

it('an end gives back in full what was paid for the present period, and nothing of the one that is written off', async () => {
  const money = await unpaid(declined);
  await money.exhaustDunning(1, 'pause');
  given.provider.charges = [{ status: 'completed', provider_reference: 'ch_3' }];
  await money.life.resume();
  await money.life.setNow(on('07-16'));
  await money.life.cancel({ refund: 'full' });
  expect(await money.refunds()).toEqual([[2, 1000, 'subscription_cancelled']]);
  expect(await money.customerCredit()).toBe(0);
});
