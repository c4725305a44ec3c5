/** Rows and commands that are older than the check of their time zone: nothing fails for ever; W6. */
import { beginCreation, CreationRefused } from '../../../billing/subscription/begin';
import { previewChange } from '../../../billing/subscription/preview-change';
import { completed, useBilling } from '../../support/billing';
import { failRenewal } from '../../support/failed-renewals';
import { startLife } from '../../support/subscription-life';

const given = useBilling();
beforeEach(() => {
  given.provider.charges = [completed];
});

it('W6: a customer with an abbreviation gets subscriptions in the zone that it was taken for', async () => {
  const lived = await startLife(given, '2031-01-31T19:00:00.000Z', {}, 'IST');
  expect(await lived.read()).toMatchObject({
    time_zone: 'Asia/Kolkata',
    // 1 February there, half past midnight.
    period: { end: '2031-02-28T19:00:00.000Z' },
  });
});

it('W6: a subscription with an abbreviation renews, previews, and its failed payment is planned', async () => {
  const failed = await failRenewal(given);
  const set = { where: { id: failed.lived.id }, data: { time_zone: 'PST' } };
  await given.db.subscription.update(set);
  await given.db.retryPlan.deleteMany({ where: { payment_id: failed.paymentId } });
  expect(await failed.plan()).toMatchObject({ kind: 'attempt', at: '2031-02-02T12:00:00.000Z' });

  given.provider.charges = [completed];
  const other = await startLife(given, '2031-01-01T12:00:00.000Z');
  await given.db.subscription.update({ where: { id: other.id }, data: { time_zone: 'PST' } });
  expect(await other.advance('2031-05-01T00:00:00.000Z')).toMatchObject({
    // Summer time began on 9 March in Los Angeles.
    period: { index: 4, start: '2031-04-01T11:00:00.000Z' },
  });
  const preview = await previewChange(given.db, given.providers, other.id, { quantity: 2 });
  expect(preview.next_renewal).toMatchObject({ at: '2031-05-01T11:00:00.000Z' });
});

it('W6: a creation that was asked for with an unknown zone is refused for good, and writes nothing', async () => {
  const creation = given.creation({ time_zone: 'Mars/Olympus' });
  await expect(beginCreation(given, creation)).rejects.toThrow(CreationRefused);
  expect(await given.db.subscription.count({ where: { id: creation.subscription_id } })).toBe(0);
});
