/** What an operator's open task may still do once the money has moved: nothing twice. */
import { sql } from '../../../prisma/sql';
import { on, useMoneyLives } from '../../support/money-life';

const { given, begin } = useMoneyLives();
const failed = { status: 'failed', provider_reference: null, reason: 'refused' } as const;
const paid = { status: 'succeeded', provider_reference: 're_1' } as const;

/** 100.00 for June; 40.00 of it failed to go back on the 11th. */
async function withFailedRefund() {
  const money = await begin('top');
  await money.life.setNow(on('06-11'));
  const refundId = await money.refund(0, 4000);
  await money.receiveRefund(refundId, failed);
  expect(await money.tasks()).toEqual(['refund_failed']);
  return { money, refundId };
}

const reopen = (refundId: string) => sql(given.db).execute`
  UPDATE operator_tasks SET status = 'open', resolved_at = NULL, resolution = NULL WHERE subject_id = ${refundId}`;

it('a failed refund that is paid after all answers its task', async () => {
  const { money, refundId } = await withFailedRefund();
  await money.receiveRefund(refundId, paid);
  expect(await money.tasks()).toEqual([]);
  expect(await money.cash(0)).toBe(6000);
});

it('a person who gives up a refund that was paid meanwhile changes nothing', async () => {
  const { money, refundId } = await withFailedRefund();
  await money.receiveRefund(refundId, paid);
  await reopen(refundId);
  await money.resolve('refund_failed', 'failed');
  expect(await money.payment(0)).toMatchObject({ status: 'partially_refunded', refunded_amount: 4000n });
  expect(await money.cash(0)).toBe(6000);
});

it('a refund made by hand at the provider takes the place of the one that failed', async () => {
  const { money } = await withFailedRefund();
  await money.refundAtProvider(0, 4000, 're_by_hand');
  expect(await money.tasks()).toEqual([]);
  expect(await money.accounts()).toEqual({ 'cash/sandbox': 6000, earned: -3333, unearned: -2667 });
  expect(await money.payment(0)).toMatchObject({ refunded_amount: 4000n });
});

it('a cancellation with a full refund counts what an earlier refund could not give back', async () => {
  const { money } = await withFailedRefund();
  await money.life.cancel({ refund: 'full' });
  expect((await money.refunds()).map(([, amount]) => amount).toSorted((a, b) => a - b)).toEqual([
    4000, 10_000,
  ]);
  expect(await money.tasks()).toEqual([]);
  await money.payOut();
  expect(await money.cash(0)).toBe(0);
});

it('a payment that was disputed before there was a ledger gives nothing back', async () => {
  const money = await begin('top');
  await money.life.setNow(on('06-11'));
  await given.db.payment.update({ where: { id: await money.paymentId(0) }, data: { status: 'disputed' } });
  await money.life.cancel({ refund: 'prorated' });
  expect(await money.refunds()).toEqual([]);
  expect(await money.customerCredit()).toBe(6667);
});
