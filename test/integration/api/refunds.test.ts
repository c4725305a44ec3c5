import { inTransaction } from '../../../prisma/client';
import { reserveRefund } from '../../../billing/payment/pay-refund';
import { settleRefund } from '../../../billing/payment/settle-refund';
import { ProblemError } from '../../../contracts/problem-error';
import { fixedNow, useApi, planOf } from './test-api';

const given = useApi();
beforeAll(async () => {
  await given.ask('POST', '/plans', { body: planOf('gold') });
  await given.db.customer.create({ data: { id: 'cus_1' } });
});
beforeEach(() => {
  given.payments.refunds = [];
  given.payments.onRefund = async (paymentId, command) => {
    const reserved = await reserveRefund({ db: given.db, providers: new Map() }, paymentId, command);
    if (reserved.kind === 'refused') {
      // As the process relays it.
      const { kind: _kind, detail = '', ...extras } = reserved;
      throw new ProblemError('payment_not_refundable', detail, { payment_id: paymentId, ...extras });
    }
    const outcome = { status: 'succeeded', provider_reference: 're_1' } as const;
    await inTransaction(given.db, (tx) => settleRefund(tx, command.refund_id, outcome));
  };
});

/** A payment of 10.00 EUR that was taken. */
async function paid(id: string, status = 'completed'): Promise<string> {
  await given.db.payment.create({
    data: {
      id,
      kind: 'manual',
      status,
      customer_id: 'cus_1',
      currency: 'EUR',
      amount: 1000,
      announced: true,
      attempts: {
        create: {
          number: 1,
          idempotency_key: `${id}/1`,
          trigger: 'manual',
          on_session: false,
          provider: 'sandbox',
          provider_reference: 'ch_1',
          amount: 1000,
          currency: 'EUR',
          status: status === 'completed' ? 'completed' : 'failed',
          started_at: fixedNow,
          settled_at: fixedNow,
        },
      },
    },
  });
  return `/payments/${id}/refunds`;
}

describe('refunds', () => {
  it('are made, read back, and change what the payment says', async () => {
    const path = await paid('pay_part');
    const made = await given.ask('POST', path, { body: { amount: 400, reason: 'broken' } });
    expect(made).toMatchObject({
      status: 201,
      body: { payment_id: 'pay_part', amount: 400, currency: 'EUR', status: 'succeeded', reason: 'broken' },
    });
    expect(made.body.id).toMatch(/^rfd_/);
    await given.ask('POST', path, { body: { reason: 'the rest' } });
    const listed = await given.ask('GET', `${path}?limit=1`);
    expect(listed.body.data).toMatchObject([{ amount: 600, reason: 'the rest' }]);
    const next = await given.ask('GET', `${path}?limit=1&cursor=${listed.body.next_cursor}`);
    expect(next.body).toMatchObject({ data: [{ id: made.body.id }], next_cursor: null });
    const payment = await given.ask('GET', '/payments/pay_part');
    expect(payment.body).toMatchObject({ status: 'refunded', refunded_amount: 1000 });
  });

  it('are asked for by actor and reason, with the same id under the same Idempotency-Key', async () => {
    const path = await paid('pay_again');
    const ask = { key: 'refund-1', body: { reason: 'goodwill' } };
    const first = await given.ask('POST', path, ask);
    const again = await given.ask('POST', path, ask);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(given.payments.refunds).toMatchObject([
      {
        paymentId: 'pay_again',
        command: {
          refund_id: first.body.id,
          amount: null,
          reason: 'goodwill',
          actor: { kind: 'api_key', id: 'key_bootstrap', reason: 'goodwill' },
        },
      },
    ]);
  });

  it('are finished under the same id when the first run got no answer', async () => {
    const path = await paid('pay_cut');
    const { onRefund } = given.payments;
    given.payments.onRefund = async (...args) => {
      await onRefund(...args);
      throw new ProblemError('unavailable', 'cut');
    };
    const ask = { key: 'refund-cut', body: { reason: 'goodwill' } };
    expect((await given.ask('POST', path, ask)).status).toBe(503);
    given.payments.onRefund = onRefund;
    expect(await given.ask('POST', path, ask)).toMatchObject({ status: 201, body: { amount: 1000 } });
    expect(await given.db.refund.count({ where: { payment_id: 'pay_cut' } })).toBe(1);
  });

  it.each([
    ['of what was not paid', 'failed', {}, 'not_paid', undefined, 'it is not paid.'],
    [
      'of more than was paid',
      'completed',
      { amount: 1001 },
      'more_than_left',
      { amount: 1000, currency: 'EUR' },
      '1000 in minor units (10.00 EUR) of it are left.',
    ],
  ])(
    '%s are refused with the reason, and how much is left',
    async (_, status, more, reason, left, detail) => {
      const path = await paid(`pay_${reason}`, status);
      const { status: answered, body } = await given.ask('POST', path, { body: { reason: 'r', ...more } });
      expect([answered, body.code, body.reason]).toEqual([409, 'payment_not_refundable', reason]);
      expect(body.available).toEqual(left);
      expect(body.detail).toBe(`The payment cannot be refunded: ${detail}`);
    },
  );

  it.each([
    ['without a reason', {}, 'reason'],
    ['of nothing', { amount: 0, reason: 'r' }, 'amount'],
    ['of a part of a cent', { amount: 1.5, reason: 'r' }, 'amount'],
    ['with an unknown field', { status: 'succeeded', reason: 'r' }, 'status'],
  ])('%s are not acceptable', async (_, body, path) => {
    const answer = await given.ask('POST', '/payments/pay_part/refunds', { body });
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, path]);
  });

  it('need their scopes, and a payment', async () => {
    const reader = await given.keyWith('payments:read');
    const body = { reason: 'r' };
    const path = '/payments/pay_part/refunds';
    expect((await given.ask('POST', path, { secret: reader, body })).status).toBe(403);
    expect((await given.ask('GET', path, { secret: reader })).status).toBe(200);
    const stranger = await given.keyWith('subscriptions:write');
    expect((await given.ask('GET', path, { secret: stranger })).status).toBe(403);
    expect((await given.ask('POST', '/payments/pay_none/refunds', { body })).status).toBe(404);
    expect((await given.ask('GET', '/payments/pay_none/refunds')).status).toBe(404);
  });
});
