/** Payouts over HTTP: who may ask, what is answered, and whose process is told. */
import { fixedNow, useApi, type Ask } from './test-api';

const given = useApi();
let customers = 0;

/** A customer with 10.00 EUR of credit, funded by one payment of as much. */
async function withCredit(): Promise<{ id: string; paymentId: string }> {
  customers += 1;
  const id = `cus_${customers}`;
  const paymentId = `pay_${customers}`;
  const money = { amount: 1000, currency: 'EUR' };
  await given.db.customer.create({ data: { id } });
  const attempt = {
    number: 1,
    idempotency_key: `${paymentId}/1`,
    trigger: 'manual',
    on_session: false,
    provider: 'sandbox',
    provider_reference: 'ch_1',
    ...money,
    status: 'completed',
    started_at: fixedNow,
    settled_at: fixedNow,
  };
  const status = { kind: 'manual', status: 'completed', announced: true };
  const data = { id: paymentId, customer_id: id, ...status, ...money, attempts: { create: attempt } };
  await given.db.payment.create({ data });
  const funds = [{ source: paymentId, amount: 1000, used: 0 }];
  await given.db.customerBalance.create({ data: { customer_id: id, currency: 'EUR', credit: 1000, funds } });
  return { id, paymentId };
}

const payOut = (id: string, body: object = {}, ask: Partial<Ask> = {}) =>
  given.ask('POST', `/customers/${id}/payouts`, {
    body: { currency: 'EUR', reason: 'moves away', ...body },
    ...ask,
  });
const creditOf = async (id: string) => (await given.ask('GET', `/customers/${id}/balance`)).body.credit;

beforeEach(() => void given.payments.looks.splice(0));

describe('a payout', () => {
  it('is answered with its refunds, is audited with its reason, and has the payments’ processes pay', async () => {
    const { id, paymentId } = await withCredit();
    const { status, body } = await payOut(id, { amount: 400 });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^pyo_/),
      customer_id: id,
      currency: 'EUR',
      amount: 400,
      credit: 600,
      refunds: [
        {
          id: expect.stringMatching(/^rfd_/),
          payment_id: paymentId,
          amount: 400,
          currency: 'EUR',
          status: 'pending',
          reason: 'payout',
          at: expect.any(String),
          created_at: expect.any(String),
        },
      ],
    });
    expect(given.payments.looks).toEqual([paymentId]);
    expect(await creditOf(id)).toEqual([
      {
        currency: 'EUR',
        amount: 600,
        disputed: 0,
        sources: [{ source: paymentId, amount: 600, disputed: false }],
      },
    ]);
    const { refunding } = (await given.ask('GET', `/customers/${id}/balance`)).body;
    expect(refunding).toEqual([
      { currency: 'EUR', amount: 400, sources: [{ source: paymentId, amount: 400 }] },
    ]);
    const ledger = (await given.ask('GET', `/customers/${id}/ledger`)).body.data;
    expect(ledger).toMatchObject([
      {
        kind: 'refund_reserved',
        reason: 'moves away',
        refund_id: body.refunds[0].id,
        entries: [
          { account: 'credit', owner: 'customer', source: paymentId, amount: 400 },
          { account: 'refunding', owner: 'customer', source: paymentId, amount: -400 },
        ],
      },
    ]);
    const audited = (await given.ask('GET', `/audit?subject=${id}`)).body.data;
    expect(audited).toMatchObject([
      { action: 'POST /customers/{customer_id}/payouts', status: 201, actor: { reason: 'moves away' } },
    ]);
  });

  it('is made once under one Idempotency-Key, and is paid also when its process was not reached at first', async () => {
    const { id, paymentId } = await withCredit();
    given.payments.onLook = () => Promise.reject(new Error('Temporal is away'));
    expect((await payOut(id, {}, { key: 'once' })).status).toBe(500);
    given.payments.onLook = () => Promise.resolve();
    const again = await payOut(id, {}, { key: 'once' });
    expect(again).toMatchObject({ status: 201, body: { amount: 1000, credit: 0 } });
    expect(given.payments.looks).toEqual([paymentId, paymentId]);
    expect(await given.db.refund.count({ where: { payment_id: paymentId } })).toBe(1);
    expect((await payOut(id, {}, { key: 'once' })).text).toBe(again.text);
  });

  it.each<[string, object]>([
    ['no currency', { currency: undefined }],
    ['no reason', { reason: undefined }],
    ['the amount 0', { amount: 0 }],
    ['a negative amount', { amount: -1 }],
  ])('is refused with %s', async (_, body) => {
    const { id } = await withCredit();
    expect(await payOut(id, body)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  });

  it('is refused beyond what there is, in another currency, to nobody, to erased customers, and without the scope', async () => {
    const { id } = await withCredit();
    const beyond = await payOut(id, { amount: 1001 });
    expect(beyond).toMatchObject({ status: 409, body: { code: 'credit_not_enough' } });
    expect(beyond.body.detail).toContain('1000 in minor units (10.00 EUR)');
    expect(beyond.body.available).toEqual({ amount: 1000, currency: 'EUR' });
    expect((await payOut(id, { currency: 'USD' })).body.code).toBe('credit_not_enough');
    expect((await payOut('nobody')).status).toBe(404);
    const gone = await withCredit();
    await given.db.customer.update({ where: { id: gone.id }, data: { erased_at: fixedNow } });
    expect((await payOut(gone.id)).body.code).toBe('customer_erased');
    const secret = await given.keyWith('customers:write', 'payments:write');
    expect((await payOut(id, {}, { secret })).status).toBe(403);
    expect(await creditOf(id)).toMatchObject([{ amount: 1000 }]);
    expect(given.payments.looks).toEqual([]);
  });

  it('is what an erasure waits for: the money that payments fund is nobody’s afterwards', async () => {
    const { id, paymentId } = await withCredit();
    const erase = () => given.ask('POST', `/customers/${id}/erase`);
    const refused = await erase();
    expect(refused).toMatchObject({ status: 409, body: { code: 'customer_has_credit' } });
    expect(refused.body.detail).toContain('10.00 EUR');
    expect(refused.body.credit).toEqual([{ amount: 1000, currency: 'EUR' }]);
    expect(await given.db.customer.findUniqueOrThrow({ where: { id } })).toMatchObject({ erased_at: null });
    await payOut(id, {}, { key: 'before the erasure' });
    expect((await erase()).body.code).toBe('customer_not_settled');
    const settled = { status: 'succeeded', settled_at: fixedNow };
    await given.db.refund.updateMany({ where: { payment_id: paymentId }, data: settled });
    expect((await erase()).status).toBe(200);
    const { body } = await given.ask('GET', `/customers/${id}/ledger`);
    expect(body.data).toMatchObject([{ kind: 'refund_reserved', reason: null, actor: { reason: null } }]);
    const [refund] = await given.db.refund.findMany({ where: { payment_id: paymentId } });
    expect(refund).toMatchObject({ reason: 'payout', requested_by: { reason: null } });
    const again = await payOut(id, {}, { key: 'before the erasure' });
    expect(again.status).toBe(201);
    expect(again.text).not.toContain('moves away');
  });

  it('is not needed where a person takes the money back instead', async () => {
    const { id } = await withCredit();
    const body = { amount: -1000, currency: 'EUR', reason: 'given up in writing' };
    await given.ask('POST', `/customers/${id}/credits`, { body });
    expect((await given.ask('POST', `/customers/${id}/erase`)).status).toBe(200);
  });
});
