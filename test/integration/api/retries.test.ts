import { attemptPayment } from '../../../billing/payment/attempt';
import { paymentStatuses, type DeclineCode, type PaymentStatus } from '../../../domain/payment/payment';
import { until } from '../../support/until';
import { fixedNow, useApi, planOf } from './test-api';
import { declined, writeRows } from './subscription-rows';

const given = useApi();
beforeAll(async () => {
  await given.ask('POST', '/plans', { body: planOf('gold') });
});

let made = 0;
/** A payment that failed once, with a card that its customer has; `more` is what is different. */
async function failed({
  status = 'failed' as PaymentStatus,
  code = 'do_not_honor' as DeclineCode,
  subscription = null as string | null,
  brand = null as string | null,
  card = true,
} = {}) {
  made += 1;
  const [customer, method, id, sub] = [`cus_${made}`, `pm_${made}`, `pay_${made}`, `sub_${made}`];
  await given.db.customer.create({ data: { id: customer, default_payment_method_id: method } });
  const paymentMethod = { id: method, customer_id: customer, provider: 'sandbox', token: 'tok_ok', brand };
  await given.db.paymentMethod.create({
    data: { ...paymentMethod, deleted_at: card ? null : fixedNow },
  });
  if (subscription !== null) {
    const creation = { subscription_id: sub, customer_id: customer, plan_id: 'gold', quantity: 1 };
    await writeRows(given.db, { ...creation, payment_method_id: method } as never, subscription, null);
  }
  await given.db.payment.create({
    data: {
      id,
      kind: subscription === null ? 'manual' : 'renewal',
      status,
      customer_id: customer,
      subscription_id: subscription === null ? null : sub,
      period_index: subscription === null ? null : 1,
      currency: 'EUR',
      amount: 1000,
      payment_method_id: method,
      announced: true,
    },
  });
  const attempt = async (number: number, failure: DeclineCode, paymentMethodId = method) =>
    given.db.paymentAttempt.create({
      data: {
        payment_id: id,
        number,
        idempotency_key: `${id}/attempt/${number}`,
        trigger: number === 1 ? 'manual' : 'manual_retry',
        on_session: false,
        provider: 'sandbox',
        payment_method_id: paymentMethodId,
        amount: 1000,
        currency: 'EUR',
        status: 'failed',
        failure: { ...declined, code: failure },
        started_at: new Date(),
        settled_at: new Date(),
      },
    });
  await attempt(1, code);
  return { id, customer, method, attempt };
}

const retry = (id: string, body: object = { reason: 'they called' }, more: object = {}) =>
  given.ask('POST', `/payments/${id}/retry`, { body, ...more });
const requestsOf = async (id: string) =>
  (await given.ask('GET', `/payments/${id}/retry-requests`)).body.data as Record<string, unknown>[];

const refusals: Record<Exclude<PaymentStatus, 'failed'>, string> = {
  completed: 'completed',
  partially_refunded: 'completed',
  refunded: 'completed',
  disputed: 'completed',
  requested: 'in_flight',
  processing: 'in_flight',
  unknown: 'unknown_outcome',
  pending: 'pending',
  requires_action: 'requires_action',
  cancelled: 'cancelled',
  uncollectible: 'uncollectible',
};

describe('POST /payments/{id}/retry', () => {
  it('records the wish with its event, and answers 202 with where it can be followed', async () => {
    const { id } = await failed();
    const { status, headers, body } = await retry(id);
    expect([status, headers['location']]).toEqual([202, `/payments/${id}/retry-requests`]);
    expect(body.payment).toMatchObject({ id, status: 'failed' });
    const [event] = await given.db.outboxEvent.findMany({
      where: { topic: 'payments.retry.requested', subject: id },
    });
    expect(JSON.parse(event?.payload ?? '')).toMatchObject({
      data: {
        retry_request_id: body.retry_request_id,
        payment_method_id: null,
        reason: 'they called',
        actor: { kind: 'api_key', id: 'key_bootstrap', reason: 'they called' },
      },
    });
    expect(await requestsOf(id)).toMatchObject([{ id: body.retry_request_id, status: 'requested' }]);
  });

  it.each(paymentStatuses.filter((status) => status !== 'failed'))(
    'of what is %s is refused, whatever its subscription is',
    async (status) => {
      const { id } = await failed({ status, subscription: 'cancelled' });
      const { body } = await retry(id);
      expect(body).toMatchObject({
        status: 409,
        code: 'payment_not_retryable',
        payment_id: id,
        reason: refusals[status as keyof typeof refusals],
      });
      expect(await requestsOf(id)).toEqual([]);
    },
  );

  it.each([
    ['of a cancelled subscription', { subscription: 'cancelled' }, 'subscription_final'],
    ['of an expired subscription', { subscription: 'expired' }, 'subscription_final'],
    ['of a paused subscription', { subscription: 'paused' }, 'subscription_paused'],
    ['with nothing to charge', { card: false }, 'no_payment_method'],
    ['hard-declined with the same card', { code: 'expired_card' }, 'hard_declined'],
  ] as const)('%s is refused', async (_name, more, reason) => {
    const { id } = await failed(more);
    expect(await retry(id)).toMatchObject({ status: 409, body: { reason } });
  });

  it('is refused with a card that met a hard decline before another was tried, and not with the other', async () => {
    const { id, customer, attempt } = await failed({ code: 'stolen_or_lost' });
    const other = { id: `${id}_other`, customer_id: customer, provider: 'sandbox', token: 'tok_ok' };
    await given.db.paymentMethod.create({ data: other });
    await attempt(2, 'insufficient_funds', other.id);
    expect(await retry(id)).toMatchObject({ status: 409, body: { reason: 'hard_declined' } });
    const wanted = { reason: 'another card', payment_method_id: other.id };
    expect(await retry(id, wanted)).toMatchObject({ status: 202 });
  });

  it('is refused out of the card network’s budget', async () => {
    const { id, attempt } = await failed({ brand: 'visa' });
    for (let number = 2; number < 20; number += 1) await attempt(number, 'do_not_honor');
    expect(await retry(id)).toMatchObject({ status: 202 });
    await given.db.retryRequest.deleteMany({ where: { payment_id: id } });
    await attempt(20, 'do_not_honor');
    expect(await retry(id)).toMatchObject({ status: 409, body: { reason: 'budget_exhausted' } });
  });

  it('is refused while an automatic attempt is on its way', async () => {
    const { id } = await failed({ subscription: 'past_due' });
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    const charge = async () => {
      await held;
      return { status: 'completed' as const, provider_reference: 'ch_1' };
    };
    const providers = new Map([['sandbox', { name: 'sandbox', charge } as never]]);
    const request = { payment_id: id, number: 2, trigger: 'automatic_retry' as const };
    const attempting = attemptPayment({ db: given.db, providers }, request);
    await until(
      'the attempt begins',
      async () => (await given.db.paymentAttempt.count({ where: { payment_id: id } })) === 2,
    );
    expect(await retry(id)).toMatchObject({ status: 409, body: { reason: 'in_flight' } });
    answer();
    expect(await attempting).toEqual({ status: 'completed' });
    expect(await retry(id)).toMatchObject({ status: 409, body: { reason: 'completed' } });
  });

  it('by twenty operators at once is one wish; the others are told that one is in flight', async () => {
    const { id } = await failed();
    const answers = await Promise.all(Array.from({ length: 20 }, () => retry(id)));
    const reported = answers.map(({ status, body }) => (status === 202 ? 202 : body.reason));
    expect(reported.filter((one) => one === 202)).toHaveLength(1);
    expect(reported.filter((one) => one === 'in_flight')).toHaveLength(19);
    expect(await requestsOf(id)).toHaveLength(1);
    expect(await given.db.outboxEvent.count({ where: { subject: id } })).toBe(1);
  });

  it('again under the same Idempotency-Key is the same wish', async () => {
    const { id } = await failed();
    const [first, again] = [
      await retry(id, undefined, { key: 'once' }),
      await retry(id, undefined, { key: 'once' }),
    ];
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(await requestsOf(id)).toHaveLength(1);
  });

  it('refuses what is unknown, not meant, or not allowed', async () => {
    const { id } = await failed();
    const { method: another } = await failed();
    expect((await retry('pay_nobody')).status).toBe(404);
    for (const [body, path] of [
      [{}, 'reason'],
      [{ reason: '' }, 'reason'],
      [{ reason: 'x', payment_method_id: another }, 'payment_method_id'],
      [{ reason: 'x', now: true }, 'now'],
    ] as const) {
      const { status, body: problem } = await retry(id, body);
      expect([status, problem.errors[0].path]).toEqual([422, path]);
    }
    const secret = await given.keyWith('payments:write');
    expect((await retry(id, undefined, { secret })).status).toBe(403);
    expect(await requestsOf(id)).toEqual([]);
  });
});
