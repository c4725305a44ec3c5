/** Payments and retries that are asked for by records: which of them are ours, who else may ask, and how often. */
import { acceptRequested } from '../../../billing/payment/requested-payments';
import { createPayment } from '../../../billing/payment/create';
import { acceptRetryRequest } from '../../../billing/retry/prompts';
import { requestRetry } from '../../../billing/retry/request-retry';
import { bulkRetryRequestId, derivedId, periodPaymentId } from '../../../domain/ids';
import { actor } from '../../support/creation';
import { useBilling } from '../../support/billing';
import { nothingOutside, outside, recordOf } from '../../support/outside';
import {
  accepting,
  asked,
  operator,
  writeCustomer,
  writeOwed,
  type Requested,
  type Retry,
} from '../../support/outside-requests';
import { someTrace } from '../../support/trace';

const given = useBilling();

const customer = () => writeCustomer(given.db);
const retried = (more?: Partial<Retry>) => writeOwed(given.db, more);
const request = (...args: Parameters<ReturnType<typeof accepting>['payment']>) =>
  accepting(given.db).payment(...args);
const retry = (...args: Parameters<ReturnType<typeof accepting>['retry']>) =>
  accepting(given.db).retry(...args);

const refused = (code: string) => ({ name: 'Unprocessable', code });
const written = async () => ({
  payments: await given.db.payment.count(),
  requests: await given.db.retryRequest.count(),
  counted: await given.db.externalChargeCount.findMany(),
  audited: await given.db.auditLog.count(),
});

describe('R4: a record of a source that the operator has not named', () => {
  it.each(['/api-gateway', '/admin-ui', '/payment-service', '/METER', '/meter/2', '', undefined])(
    'charges no customer, whatever source it states: %s',
    async (source) => {
      const [{ id }, wanted] = [await customer(), await retried()];
      const before = await written();
      const event = { ...recordOf<'payments.requested'>(asked(id)), source };
      await expect(acceptRequested(given.db, event, outside())).rejects.toMatchObject(
        refused('source_not_allowed'),
      );
      const other = { ...recordOf<'payments.retry.requested'>(wanted), source };
      await expect(acceptRetryRequest(given.db, other, outside())).rejects.toMatchObject(
        refused('source_not_allowed'),
      );
      expect(await written()).toEqual(before);
    },
  );

  it('is refused before anything of it is looked up: no producer learns which customers there are', async () => {
    await expect(request(asked('cus_nobody'), nothingOutside)).rejects.toMatchObject(
      refused('source_not_allowed'),
    );
    const wanted = await retried({ payment_id: 'pay_nobody' });
    await expect(retry(wanted, nothingOutside)).rejects.toMatchObject(refused('source_not_allowed'));
  });
});

describe('R4: a record of ours', () => {
  /** As POST /payments writes it. */
  async function own() {
    const { id } = await customer();
    const paymentId = derivedId('payment', ['test', id]);
    const wanted = { customer_id: id, amount: 9_000_000, currency: 'EUR', reason: 'usage of March' };
    await createPayment(given.db, { id: paymentId, request: wanted, actor, trace: someTrace });
    return asked(id, { payment_id: paymentId, amount: 9_000_000, actor });
  }

  it('is handled whatever source it states, and is not limited', async () => {
    const data = await own();
    const rules = { ...nothingOutside, paymentMax: 0, chargesPerDay: 0 };
    for (const source of ['/api-gateway', '/admin-ui', undefined]) {
      const start = [{ kind: 'start_payment', payment_id: data.payment_id }];
      expect(await request(data, rules, source)).toEqual(start);
    }
    expect(await given.db.externalChargeCount.count()).toBe(0);
  });

  it.each<[string, Partial<Requested>]>([
    ['another amount', { amount: 1 }],
    ['another currency', { currency: 'USD' }],
    ['another customer', { customer_id: 'cus_1' }],
    ['a subscription', { subscription_id: 'sub_1' }],
  ])('copied with %s is refused, and the payment stays as it is', async (_, more) => {
    const data = await own();
    const before = await given.db.payment.findUnique({ where: { id: data.payment_id } });
    await expect(request({ ...data, ...more })).rejects.toMatchObject(refused('contradicts_payment'));
    expect(await given.db.payment.findUnique({ where: { id: data.payment_id } })).toEqual(before);
  });

  it('about a retry is handled though no source is allowed, and its copy about another payment is refused', async () => {
    const [wanted, other] = [await retried(), await retried()];
    const call = {
      paymentId: wanted.payment_id,
      requestId: wanted.retry_request_id,
      request: { reason: 'they called' },
      actor,
      trace: someTrace,
    };
    await requestRetry(given.db, call);
    const started = [{ kind: 'start_retry', payment_id: wanted.payment_id, reason: 'manualRetry' }];
    expect(await retry(wanted, nothingOutside, '/api-gateway')).toEqual(started);
    const copied = { ...other, retry_request_id: wanted.retry_request_id };
    await expect(retry(copied)).rejects.toMatchObject(refused('contradicts_payment'));
    // Of a request that is known nothing in a record counts.
    expect(await retry({ ...wanted, payment_method_id: 'pm_1', actor: operator })).toEqual(started);
    expect(await given.db.retryRequest.findUnique({ where: { id: wanted.retry_request_id } })).toMatchObject({
      actor,
      payment_method_id: null,
    });
  });
});

describe('R4: the limit of a customer’s day', () => {
  it('holds for records that are handled at once, and counts each once however often it comes', async () => {
    const { id } = await customer();
    const records = Array.from({ length: 6 }, (_, n) => asked(id, { payment_id: `pay_day_${id}_${n}` }));
    const rules = outside({ chargesPerDay: 4 });
    const results = await Promise.allSettled([...records, ...records].map((data) => request(data, rules)));
    const accepted = await given.db.payment.findMany({ where: { customer_id: id } });
    expect(accepted).toHaveLength(4);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(reasons).toHaveLength(4);
    for (const reason of reasons) expect(reason).toMatchObject(refused('over_limit'));
    expect(await given.db.externalChargeCount.findMany({ where: { customer_id: id } })).toMatchObject([
      { charges: 4 },
    ]);
    // What was accepted is not limited when it comes again, and another customer has a limit of their own.
    for (const { id: payment_id } of accepted) await request(asked(id, { payment_id }), rules);
    await request(asked((await customer()).id), rules);
  });

  it('is of one UTC day: the day after, a redriven record is accepted', async () => {
    const { id } = await customer();
    const rules = outside({ chargesPerDay: 1 });
    await request(asked(id), rules);
    const late = asked(id, { payment_id: `pay_late_${id}` });
    await expect(request(late, rules)).rejects.toMatchObject(refused('over_limit'));
    await given.db.$executeRaw`UPDATE external_charge_counts SET day = day - 1 WHERE customer_id = ${id}`;
    await request(late, rules);
    expect(await given.db.externalChargeCount.count({ where: { customer_id: id } })).toBe(2);
  });

  it('counts retries with payments', async () => {
    const wanted = await retried();
    const rules = outside({ chargesPerDay: 1 });
    await retry(wanted, rules);
    await retry(wanted, rules);
    await expect(request(asked(wanted.customer_id), rules)).rejects.toMatchObject(refused('over_limit'));
    const second = { ...wanted, retry_request_id: `${wanted.retry_request_id}-2` };
    await expect(retry(second, rules)).rejects.toMatchObject(refused('over_limit'));
    expect(await given.db.retryRequest.count({ where: { payment_id: wanted.payment_id } })).toBe(1);
  });

  it('of 0 accepts none', async () => {
    const { id } = await customer();
    await expect(request(asked(id), outside({ chargesPerDay: 0 }))).rejects.toMatchObject(
      refused('over_limit'),
    );
  });
});

describe('R4: a request from outside', () => {
  it('with the customer’s own card is accepted with that card', async () => {
    const { id, method } = await customer();
    await request(asked(id, { payment_method_id: method }));
    expect(await given.db.payment.findFirst({ where: { customer_id: id } })).toMatchObject({
      payment_method_id: method,
    });
  });

  it.each([
    ['another customer’s card', () => 'pm_1', 'contradicts_payment_method'],
    ['a deleted card', (own: string) => `${own}_deleted`, 'contradicts_payment_method'],
    ['a card that is not there', () => 'pm_none', 'unknown_payment_method'],
  ])('with %s charges no other one instead', async (_, methodOf, code) => {
    const { id, method } = await customer();
    const wanted = await retried();
    const before = await written();
    const data = asked(id, { payment_method_id: methodOf(method) });
    await expect(request(data)).rejects.toMatchObject(refused(code));
    const other = { ...wanted, payment_method_id: methodOf(method) };
    // The customer of the retry is another one, so that the deleted card is somebody else's.
    await expect(retry(other)).rejects.toMatchObject(refused(code));
    expect(await written()).toEqual(before);
  });

  it.each<[string, Partial<Requested>, string]>([
    ['without a reason', { reason: '' }, 'invalid_request'],
    ['with a reason that is read backwards', { reason: 'a\u202eb' }, 'invalid_request'],
    ['with an actor with a C1 control', { actor: { ...operator, id: 'a\u009bb' } }, 'invalid_request'],
    ['with a reason of 501 characters', { reason: 'x'.repeat(501) }, 'invalid_request'],
    ['with an actor of 201 characters', { actor: { ...operator, id: 'x'.repeat(201) } }, 'invalid_request'],
    ['above the largest payment', { amount: 1_000_001 }, 'amount_too_large'],
  ])('%s is refused', async (_, more, code) => {
    const { id } = await customer();
    await expect(request(asked(id, more))).rejects.toMatchObject(refused(code));
  });

  it('at its bounds is accepted', async () => {
    const { id } = await customer();
    const data = asked(id, {
      reason: 'x'.repeat(500),
      actor: { ...operator, id: 'x'.repeat(200) },
      amount: 1_000_000,
    });
    expect(await request(data)).toHaveLength(1);
  });

  it('cannot take the id of a payment or of a retry that is still to come', async () => {
    const { subscriptionId } = await given.begun();
    const coming = periodPaymentId(subscriptionId, 2);
    const data = asked('cus_1', { payment_id: coming, subscription_id: subscriptionId });
    await expect(request(data)).rejects.toMatchObject(refused('invalid_request'));
    const wanted = await retried();
    const taken = bulkRetryRequestId('brt_1', wanted.payment_id);
    await expect(retry({ ...wanted, retry_request_id: taken })).rejects.toMatchObject(
      refused('invalid_request'),
    );
  });

  it('in another currency than its subscription has is put aside, in none of a subscription it is accepted', async () => {
    const { subscriptionId: subscription_id } = await given.begun();
    const before = await written();
    const other = asked('cus_1', { payment_id: 'pay_usd', currency: 'USD' });
    await expect(request({ ...other, subscription_id })).rejects.toMatchObject(
      refused('contradicts_subscription'),
    );
    expect(await written()).toEqual(before);
    expect(await request({ ...other, subscription_id, currency: 'EUR' })).toHaveLength(1);
    expect(await request({ ...other, payment_id: 'pay_alone' })).toHaveLength(1);
  });

  it.each(['paused', 'cancelled', 'expired'])('for a subscription that is %s is refused', async (status) => {
    const { subscriptionId } = await given.begun();
    await given.db.subscription.update({ where: { id: subscriptionId }, data: { status } });
    const data = asked('cus_1', { payment_id: `pay_${status}`, subscription_id: subscriptionId });
    await expect(request(data)).rejects.toMatchObject(refused('contradicts_subscription'));
  });
});
