/** What callers and operators are shown of money under dispute, lost, or on its way back. */
import { readCustomerBalance } from '../../../billing/ledger/ledger';
import { reserveRefund } from '../../../billing/payment/pay-refund';
import { listPayments, readPayment } from '../../../billing/payment/payments';
import { amountMismatch } from '../../../domain/payment/payment';
import { actor } from '../../support/creation';
import { on, useMoneyLives, type MoneyLife } from '../../support/money-life';

const { given, begin } = useMoneyLives();
const failed = { status: 'failed', provider_reference: null, reason: 'card_closed' } as const;
const paid = { status: 'succeeded', provider_reference: 're_1' } as const;

/** Top since 1 June, 100.00; on the 11th a third of it is used. */
const top = async () => {
  const money = await begin('top');
  await money.life.setNow(on('06-11'));
  return money;
};
/** Details of the tasks of a kind about the payment or a refund of it, open ones only. */
const asked = async (kind: string): Promise<string[]> => {
  const rows = await given.db.operatorTask.findMany({ where: { kind, status: 'open' } });
  return rows.map(({ detail }) => detail);
};
const balance = (money: MoneyLife) => readCustomerBalance(given.db, money.customerId);
afterEach(() => given.db.operatorTask.deleteMany());

describe('a payment of which a part is disputed', () => {
  const shown = async (money: MoneyLife) => {
    const id = await money.paymentId(0);
    const page = await listPayments(given.db, { customer_id: money.customerId }, { after: null, limit: 10 });
    const read = await readPayment(given.db, id);
    expect(page.items).toEqual([{ ...read, attempts: undefined }]);
    return [read.status, read.disputed_amount, read.lost_amount];
  };

  it('shows how much, and how much was lost though it is completed, in lists as well', async () => {
    const money = await top();
    expect(await shown(money)).toEqual(['completed', 0, 0]);
    await money.dispute(0, 'opened', { amount: 4000 });
    expect(await shown(money)).toEqual(['disputed', 4000, 0]);
    await money.dispute(0, 'lost', { amount: 4000 });
    expect(await shown(money)).toEqual(['completed', 0, 4000]);
    await money.dispute(0, 'won', { amount: 4000 });
    expect(await shown(money)).toEqual(['completed', 0, 0]);
  });

  it.each([
    [6001, { reason: 'more_than_left', available: { amount: 6000, currency: 'EUR' } }],
    [10_000, { reason: 'more_than_left', available: { amount: 6000, currency: 'EUR' } }],
  ])('says what of it can be refunded once a part is lost, to who asks for %i', async (amount, refusal) => {
    const money = await top();
    await money.dispute(0, 'lost', { amount: 4000 });
    const command = { refund_id: `rfd_${amount}`, amount, reason: 'goodwill', actor };
    const refused = await reserveRefund(given, await money.paymentId(0), command);
    expect(refused).toEqual({ kind: 'refused', detail: expect.any(String), ...refusal });
    expect(refused).toHaveProperty(
      'detail',
      expect.stringContaining('6000 in minor units (60.00 EUR) of it are left'),
    );
    expect(await money.refund(0, 6000)).not.toBe('more_than_left');
    const nothing = await reserveRefund(given, await money.paymentId(0), {
      ...command,
      refund_id: 'rfd',
      amount: 1,
    });
    expect(nothing).toMatchObject({ reason: 'nothing_left', available: { amount: 0, currency: 'EUR' } });
  });
});

describe('the balance of a customer', () => {
  it('shows credit under dispute as such, of a subscription and after its end, until the bank has decided', async () => {
    const money = await top();
    await money.life.change({ plan_id: 'basic' });
    const credit = (await money.life.read()).balance * -1;
    const ofSubscription = async () =>
      (await balance(money)).subscriptions.map((its) => [its.credit, its.credit_disputed]);
    expect(await ofSubscription()).toEqual([[credit, 0]]);
    await money.dispute(0, 'opened', { amount: 100 });
    expect(await ofSubscription()).toEqual([[credit, credit]]);
    await money.life.cancel({ refund: 'none' });
    const source = await money.paymentId(0);
    const own = async () => (await balance(money)).credit;
    const standing = { currency: 'EUR', amount: credit };
    expect(await own()).toEqual([
      { ...standing, disputed: credit, sources: [{ source, amount: credit, disputed: true }] },
    ]);
    await money.dispute(0, 'won', { amount: 100 });
    expect(await own()).toEqual([
      { ...standing, disputed: 0, sources: [{ source, amount: credit, disputed: false }] },
    ]);
  });

  it('shows what is reserved to go back, also failed, until it is paid or given up', async () => {
    const money = await top();
    const first = await money.refund(0, 1000);
    const second = await money.refund(0, 2500);
    const source = await money.paymentId(0);
    const going = async () => (await balance(money)).refunding;
    const of = (amount: number) => [{ currency: 'EUR', amount, sources: [{ source, amount }] }];
    expect(await going()).toEqual(of(3500));
    await money.receiveRefund(first, paid);
    await money.receiveRefund(second, failed);
    expect(await going()).toEqual(of(2500));
    await money.resolve('refund_failed', 'failed');
    expect(await going()).toEqual([]);
  });
});

describe('an operator is asked about disputes', () => {
  const open = /^The customer disputes 40\.00 EUR \(dp_1\): answer the bank/;

  it('in the words of what they have become, and not any more once they are won', async () => {
    const money = await top();
    await money.dispute(0, 'opened', { amount: 4000 });
    expect(await asked('dispute')).toEqual([expect.stringMatching(open)]);
    await money.dispute(0, 'lost', { amount: 4000 });
    expect(await asked('dispute')).toEqual(['Lost: 40.00 EUR (dp_1). That money is gone.']);
    await money.dispute(0, 'won', { amount: 4000 });
    expect(await asked('dispute')).toEqual([]);
    const [task] = await given.db.operatorTask.findMany();
    expect(task?.resolution).toMatchObject({ reason: 'the dispute is won', actor: { kind: 'system' } });
  });

  it('for as long as one of several is open or lost', async () => {
    const money = await top();
    await money.dispute(0, 'opened', { amount: 4000 });
    await money.dispute(0, 'opened', { amount: 500, reference: 'dp_2' });
    expect(await asked('dispute')).toEqual([expect.stringContaining('40.00 EUR (dp_1), 5.00 EUR (dp_2)')]);
    await money.dispute(0, 'won', { amount: 500, reference: 'dp_2' });
    expect(await asked('dispute')).toEqual([expect.stringMatching(open)]);
    await money.dispute(0, 'won', { amount: 4000 });
    expect(await asked('dispute')).toEqual([]);
  });

  it('again when a won one is lost; a resolved question is not opened by a win', async () => {
    const money = await top();
    await money.dispute(0, 'opened', { amount: 4000 });
    await given.db.operatorTask.updateMany({ data: { status: 'resolved' } });
    await money.dispute(0, 'won', { amount: 4000 });
    expect(await asked('dispute')).toEqual([]);
    await money.dispute(0, 'lost', { amount: 4000 });
    expect(await asked('dispute')).toEqual(['Lost: 40.00 EUR (dp_1). That money is gone.']);
  });
});

describe('an operator is asked about a refund that failed', () => {
  it('to refund the payment again', async () => {
    const money = await top();
    await money.receiveRefund(await money.refund(0, 1000), failed);
    const [detail] = await asked('refund_failed');
    expect(detail).toContain('did not refund 10.00 EUR');
    expect(detail).toContain('card closed. The money stays reserved: refund the payment again');
  });

  it('that had succeeded, in those words', async () => {
    const money = await top();
    const id = await money.refund(0, 1000);
    await money.receiveRefund(id, paid);
    await money.receiveRefund(id, failed);
    expect(await asked('refund_failed')).toEqual([
      expect.stringMatching(/^The refund of 10\.00 EUR of .* failed after it had succeeded: card closed\./),
    ]);
  });

  it('of a charge beside the one that paid, never to refund the payment', async () => {
    const money = await begin('basic');
    const named = { amount: 1300, currency: 'EUR', provider_reference: 'ch_9' };
    given.provider.charges = [amountMismatch(named)];
    await money.life.advance(on('07-01'));
    await money.resolve('amount_mismatch', 'succeeded');
    await money.apply(1);
    const { id } = await given.db.refund.findFirstOrThrow({
      where: { payment_id: await money.paymentId(1) },
    });
    await money.receiveRefund(id, failed);
    const [detail] = await asked('refund_failed');
    expect(detail).toContain('did not refund 3.00 EUR');
    expect(detail).toContain('give back charge ch_9 at the provider, which is not the one that paid');
    expect(detail).not.toContain('refund the payment');
    await money.resolve('refund_failed', 'succeeded', { provider_reference: 're_9' });
    expect(await money.cash(1)).toBe(1000);
  });
});
