/** Prices below what a provider charges: carried for a period or two, refused where that would go on for longer. */
import { previewChange } from '../../../billing/subscription/preview-change';
import { prepareCreation } from '../../../billing/subscription/request-creation';
import { limitsOfProviders } from '../../../billing/ledger/limits';
import type { ChangeCommand } from '../../../contracts/workflows/commands';
import type { CreateSubscription } from '../../../contracts/http/subscriptions';
import { completed, ScriptedProvider, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { startLife } from '../../support/subscription-life';
import { someTrace } from '../../support/trace';

const given = useBilling();
const strict = new ScriptedProvider();
const withStrict = () => ({ ...given, providers: new Map([...given.providers, ['strict', strict]]) });

beforeAll(async () => {
  const monthly = { interval_unit: 'month', interval_count: 1 };
  const plan = (id: string, amount: number, currency = 'EUR') => ({
    id,
    name: id,
    amount,
    currency,
    ...monthly,
  });
  await given.db.plan.createMany({
    data: [plan('cents_16', 16), plan('cents_17', 17), plan('cents_20', 20), plan('dinar', 1_005, 'KWD')],
  });
  await given.db.paymentMethod.create({
    data: { id: 'pm_strict', customer_id: 'cus_1', provider: 'strict', token: 'tok_ok' },
  });
});
beforeEach(() => {
  given.provider.limits = { smallest: 50, step: 1 };
  given.provider.charges = [completed];
  given.provider.asked.splice(0);
  strict.limits = { smallest: 5_000, step: 1 };
  strict.charges = [completed];
});

const start = '2027-03-01T00:00:00Z';
const charges = () => given.provider.asked.map(({ amount }) => amount);

describe('a price that needs more than three periods to reach the smallest charge', () => {
  const prepare = (request: Partial<CreateSubscription>) =>
    prepareCreation(given.db, limitsOfProviders(withStrict().providers), {
      id: 'sub_new',
      request: { customer_id: 'cus_1', plan_id: 'gold', payment_method_id: 'pm_1', ...request },
      actor,
      requestedAt: new Date(),
      trace: someTrace,
      mayExist: false,
      deadlines: { acceptWithinMs: 1, answerWithinMs: 1 },
    });
  const mistakes = async (request: Partial<CreateSubscription>) => {
    const refused: unknown = await prepare(request).catch((error: unknown) => error);
    return (refused as { extras?: { errors?: unknown } }).extras?.errors ?? null;
  };

  it('is refused at the creation, with what is allowed', async () => {
    const message =
      'makes a period cost 0.16 EUR: it has to be nothing or at least 0.17 EUR, because the provider charges no less than 0.50 EUR';
    expect(await mistakes({ plan_id: 'cents_16' })).toEqual([{ path: 'plan_id', message }]);
    expect(await mistakes({ plan_id: 'cents_16', quantity: 1 })).toEqual([{ path: 'quantity', message }]);
    expect(await mistakes({ payment_method_id: 'pm_strict' })).toEqual([
      { path: 'plan_id', message: expect.stringContaining('at least 16.67 EUR') },
    ]);
    const fine = [{ plan_id: 'cents_17' }, { plan_id: 'cents_16', quantity: 2 }, { plan_id: 'free' }];
    for (const request of fine) expect(await mistakes(request)).toBeNull();
  });

  it.each<[string, Partial<ChangeCommand>, string]>([
    ['to a plan', { plan_id: 'cents_16' }, 'plan_id'],
    ['at the end of the period', { plan_id: 'cents_16', effective: 'period_end' }, 'plan_id'],
    ['to a plan, charged now', { plan_id: 'cents_16', proration: 'charge_now' }, 'plan_id'],
  ])('is refused at a change %s, and in its preview', async (_, change, field) => {
    const life = await startLife(given, start);
    expect(await life.change(change)).toMatchObject({
      kind: 'refused',
      code: 'validation_failed',
      reason: field,
      detail: expect.stringContaining('at least 0.17 EUR'),
    });
    const { plan_id, effective, proration } = change;
    const asked = { plan_id: plan_id ?? 'gold', effective, proration };
    const request = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
    await expect(previewChange(given.db, given.providers, life.id, request)).rejects.toMatchObject({
      extras: { errors: [{ path: field, message: expect.stringContaining('at least 0.17 EUR') }] },
    });
  });

  it('is refused at a change of the quantity', async () => {
    const life = await startLife(given, start, { plan_id: 'cents_17', quantity: 3 });
    given.provider.limits = { smallest: 150, step: 1 };
    expect(await life.change({ quantity: 2 })).toMatchObject({ kind: 'refused', reason: 'quantity' });
    expect(await life.change({ quantity: 4 })).toMatchObject({ kind: 'committed' });
  });

  it('is refused at a payment method of another provider, and is left alone otherwise', async () => {
    const life = await startLife(withStrict(), start);
    const { customer_id } = await life.read();
    const method = { customer_id, token: 'tok_ok' };
    await given.db.paymentMethod.createMany({
      data: [
        { id: 'pm_other', provider: 'strict', ...method },
        { id: 'pm_same', provider: 'sandbox', ...method },
      ],
    });
    expect(await life.change({ payment_method_id: 'pm_other' })).toMatchObject({
      kind: 'refused',
      reason: 'payment_method_id',
      detail: expect.stringContaining('at least 16.67 EUR'),
    });
    expect(await life.change({ payment_method_id: 'pm_other', quantity: 2 })).toMatchObject({
      kind: 'committed',
    });
    expect(await life.change({ payment_method_id: 'pm_same', quantity: 1 })).toMatchObject({
      kind: 'committed',
    });
    given.provider.limits = { smallest: 5_000, step: 1 };
    expect(await life.change({ metadata: { a: 'b' } })).toMatchObject({ kind: 'committed' });
    expect(await life.change({ payment_method_id: 'pm_other' })).toMatchObject({ kind: 'refused' });
  });
});

describe('a price below the smallest charge that reaches it within three periods', () => {
  it('begins active with what is owed carried, and is charged once the sum is large enough', async () => {
    const life = await startLife(given, start, { plan_id: 'cents_20' });
    expect(await life.read()).toMatchObject({ status: 'active', balance: 20, period: { paid: true } });
    expect(await given.db.payment.count({ where: { subscription_id: life.id } })).toBe(0);
    const entries = await given.db.ledgerEntry.findMany({ where: { subscription_id: life.id } });
    expect(entries.map(({ account, source, amount }) => [account, source, Number(amount)])).toEqual([
      ['receivable', 'owed', 20],
      ['unearned', 'owed', -20],
    ]);
    expect(await life.advance('2027-04-01T00:00:00Z')).toMatchObject({ balance: 40 });
    expect(await life.advance('2027-05-01T00:00:00Z')).toMatchObject({ balance: 0, status: 'active' });
    expect(charges()).toEqual([60]);
    expect(await life.advance('2027-06-01T00:00:00Z')).toMatchObject({ balance: 20 });
  });

  it('is written off when its subscription ends before that', async () => {
    const life = await startLife(given, start, { plan_id: 'cents_20' });
    await life.setNow('2027-03-16T12:00:00Z');
    await life.cancel({ refund: 'prorated' });
    expect(charges()).toEqual([]);
    const [ended] = await given.db.ledgerTransaction.findMany({ where: { id: `${life.id}/ended` } });
    const entries = await given.db.ledgerEntry.findMany({ where: { transaction_id: ended?.id ?? '' } });
    const sum = (name: string) =>
      entries
        .filter(({ account }) => account === name)
        .reduce((total, { amount }) => total + Number(amount), 0);
    expect([sum('earned'), sum('written_off'), sum('receivable')]).toEqual([-10, 10, -20]);
  });
});

it('charges in the steps of the provider, and carries the rest: 1.005 KWD in steps of 0.010', async () => {
  given.provider.limits = { smallest: 10, step: 10 };
  const life = await startLife(given, start, { plan_id: 'dinar' });
  expect(await life.read()).toMatchObject({ status: 'active', balance: 5 });
  expect(await life.advance('2027-04-01T00:00:00Z')).toMatchObject({ balance: 0 });
  expect(await life.advance('2027-05-01T00:00:00Z')).toMatchObject({ balance: 5 });
  expect(charges()).toEqual([1_000, 1_010, 1_000]);
});

it('asks the provider of the card that will be charged: the customer’s default, where the subscription names none', async () => {
  const all = withStrict();
  const life = await startLife(all, start, { payment_method_id: null, trial_days: 14 });
  const { customer_id } = await life.read();
  const method = { id: 'pm_default', customer_id, provider: 'strict', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: method });
  await given.db.customer.update({
    where: { id: customer_id },
    data: { default_payment_method_id: method.id },
  });
  expect(await life.advance('2027-03-15T00:00:00Z')).toMatchObject({ status: 'active', balance: 1_000 });
  expect(strict.asked).toEqual([]);
  await life.advance('2027-07-15T00:00:00Z');
  expect(strict.asked.map(({ amount }) => amount)).toEqual([5_000]);
});
