/** A change for the period's end, and one at once that has to be paid first: what holds until it is paid, and after. */
import { completed, declined, pending } from '../../support/billing';
import { on, useMoneyLives } from '../../support/money-life';

const { given, begin } = useMoneyLives();

/** Top since 1 June, basic from July on; on 11 June the year is asked for, whose charge stays open. */
async function waiting() {
  const money = await begin('top');
  await money.life.change({ plan_id: 'basic', effective: 'period_end', proration: 'none' });
  await money.life.setNow(on('06-11'));
  given.provider.charges = [pending];
  await money.life.change({ plan_id: 'year', proration: 'charge_now' });
  expect((await money.life.read()).pending_change).toMatchObject({ plan_id: 'year', effective: 'when_paid' });
  given.provider.charges = [completed];
  return money;
}

it('a change for the period’s end holds again when the one that replaced it is declined', async () => {
  const money = await waiting();
  await money.receive(1, declined);
  await money.apply(1);
  expect((await money.life.read()).pending_change).toEqual({
    plan_id: 'basic',
    quantity: 1,
    effective: 'period_end',
    effective_at: on('07-01'),
    payment_id: null,
  });
  await money.life.advance(on('07-01'));
  expect(await money.life.read()).toMatchObject({ plan_id: 'basic', amount: 1000, pending_change: null });
  expect(money.charged()).toEqual([10_000, 5333, 1000]);
});

it('a change for the period’s end takes effect while the one that replaced it is still not paid', async () => {
  const money = await waiting();
  await money.life.advance(on('07-01'));
  expect(await money.life.read()).toMatchObject({ plan_id: 'basic', amount: 1000, pending_change: null });
  await money.receive(1);
  expect(await money.refunds()).toEqual([[1, 5333, 'payment_cancelled']]);
});

it('a change for the period’s end is replaced by one at once that is paid', async () => {
  const money = await waiting();
  await money.receive(1);
  await money.apply(1);
  expect(await money.life.read()).toMatchObject({ plan_id: 'year', pending_change: null });
});

it('a subscription keeps its plan when a change at once is declined and nothing waited before', async () => {
  const money = await begin('top');
  await money.life.setNow(on('06-11'));
  given.provider.charges = [pending];
  await money.life.change({ plan_id: 'year', proration: 'charge_now' });
  await money.receive(1, declined);
  await money.apply(1);
  expect(await money.life.read()).toMatchObject({ plan_id: 'top', pending_change: null });
});
