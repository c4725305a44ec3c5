import type { OperatorTaskKind } from '../../../domain/payment/operator-task';
import { ProblemError } from '../../../contracts/problem-error';
import { inTransaction } from '../../../prisma/client';
import { enqueueOperatorTask, enqueueReopenedTask } from '../../../billing/operator-tasks';
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { fixedNow, useApi } from './test-api';

const given = useApi();
beforeAll(async () => {
  await given.db.customer.create({ data: { id: 'ada' } });
});
beforeEach(() => {
  given.payments.looks = [];
  given.payments.onLook = () => Promise.resolve();
});

async function paymentWith(id: string, attempt: 'unknown' | 'completed' | 'failed'): Promise<void> {
  await given.db.payment.create({
    data: {
      id,
      kind: 'manual',
      status: attempt,
      customer_id: 'ada',
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
          amount: 1000,
          currency: 'EUR',
          status: attempt,
          started_at: fixedNow,
          settled_at: attempt === 'unknown' ? null : fixedNow,
        },
      },
    },
  });
}
async function raised(kind: OperatorTaskKind, id: string, type: 'payment' | 'refund' = 'payment') {
  await inTransaction(given.db, async (tx) => enqueueOperatorTask(tx, kind, { type, id }, 'Look.', fixedNow));
  const row = await given.db.operatorTask.findFirstOrThrow({ where: { kind, subject_id: id } });
  return `/operator-tasks/${row.id}/resolve`;
}
const paymentOf = (id: string) =>
  given.db.payment.findUniqueOrThrow({ where: { id }, include: { attempts: true } });
const topicsOf = async (subject: string) =>
  (await given.db.outboxEvent.findMany({ where: { subject } })).map(({ topic }) => topic);

describe('operator tasks', () => {
  it('are listed newest first, by status, kind and subject', async () => {
    await raised('dispute', 'pay_listed');
    await raised('second_success', 'pay_listed');
    const listed = await given.ask('GET', '/operator-tasks?status=open&subject_id=pay_listed&kind=dispute');
    expect(listed.body.data).toEqual([
      {
        id: expect.stringMatching(/^opt_/) as string,
        kind: 'dispute',
        subject: { type: 'payment', id: 'pay_listed' },
        detail: 'Look.',
        status: 'open',
        created_at: fixedNow.toISOString(),
        resolved: null,
      },
    ]);
    expect((await given.ask('GET', '/operator-tasks?subject_id=pay_listed')).body.data).toHaveLength(2);
    expect((await given.ask('GET', '/operator-tasks?kind=other')).status).toBe(422);
  });

  it.each([
    ['succeeded', 'completed', 'payments.completed', { provider_reference: 'ch_found' }],
    ['failed', 'failed', 'payments.failed', {}],
  ])(
    'of an unknown outcome settle the attempt as %s, with its event',
    async (outcome, status, topic, more) => {
      const id = `pay_${outcome}`;
      await paymentWith(id, 'unknown');
      const body = { reason: 'asked the provider', outcome, ...more };
      const answer = await given.ask('POST', await raised('unknown_outcome', id), { body });
      expect(answer).toMatchObject({
        status: 200,
        body: {
          status: 'resolved',
          resolved: {
            actor: { kind: 'api_key', id: 'key_bootstrap' },
            reason: 'asked the provider',
            outcome,
          },
        },
      });
      expect(await paymentOf(id)).toMatchObject({
        status,
        attempts: [{ settled_by: 'lookup', provider_reference: outcome === 'succeeded' ? 'ch_found' : null }],
      });
      expect(await topicsOf(id)).toEqual([topic]);
      expect(given.payments.looks).toEqual([id]);
    },
  );

  it('of another amount complete an attempt that had failed, when a person says so', async () => {
    await paymentWith('pay_mismatch', 'failed');
    const body = { reason: 'it is ours', outcome: 'succeeded', provider_reference: 'ch_9' };
    const path = await raised('amount_mismatch', 'pay_mismatch');
    const refused = await given.ask('POST', path, { body });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'amount' }] } });
    const { amount } = await paymentOf('pay_mismatch');
    await given.ask('POST', path, { body: { ...body, amount: Number(amount) } });
    expect(await paymentOf('pay_mismatch')).toMatchObject({ status: 'completed' });
  });

  it('of a refund settle the refund', async () => {
    await paymentWith('pay_refund', 'completed');
    const actor = { kind: 'api_key', id: 'k', reason: null } as const;
    const order = { refund_id: 'rfd_1', payment_id: 'pay_refund', amount: 400, reason: 'r', actor };
    await inTransaction(given.db, (tx) => reserveRefund(tx, order));
    const path = await raised('unknown_outcome', 'rfd_1', 'refund');
    await given.ask('POST', path, { body: { reason: 'paid', outcome: 'succeeded' } });
    expect(await paymentOf('pay_refund')).toMatchObject({
      status: 'partially_refunded',
      refunded_amount: 400n,
    });
    expect(given.payments.looks).toEqual(['pay_refund']);
  });

  it('that only want to be seen need no outcome, and take none', async () => {
    await paymentWith('pay_seen', 'completed');
    const path = await raised('dispute', 'pay_seen');
    const refused = await given.ask('POST', path, { body: { reason: 'r', outcome: 'failed' } });
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'outcome']);
    expect((await given.ask('POST', path, { body: { reason: 'answered the bank' } })).status).toBe(200);
    expect(given.payments.looks).toEqual([]);
  });

  it('are resolved once; the same decision of the same caller is the same answer', async () => {
    await paymentWith('pay_once', 'unknown');
    const path = await raised('unknown_outcome', 'pay_once');
    const body = { reason: 'looked', outcome: 'succeeded' };
    given.payments.onLook = () => Promise.reject(new ProblemError('unavailable', 'Temporal is away'));
    expect((await given.ask('POST', path, { body })).status).toBe(503);
    given.payments.onLook = () => Promise.resolve();
    expect((await given.ask('POST', path, { body })).status).toBe(200);
    const other = await given.ask('POST', path, { body: { ...body, outcome: 'failed' } });
    expect([other.status, other.body.code]).toEqual([409, 'operator_task_resolved']);
    expect(await paymentOf('pay_once')).toMatchObject({ status: 'completed' });
  });

  it('are open again when the same comes up anew', async () => {
    await raised('dispute', 'pay_anew');
    const path = await raised('dispute', 'pay_anew');
    await given.ask('POST', path, { body: { reason: 'answered' } });
    await inTransaction(given.db, async (tx) =>
      enqueueReopenedTask(tx, 'dispute', { type: 'payment', id: 'pay_anew' }, 'Look again.', fixedNow),
    );
    const { body } = await given.ask('GET', '/operator-tasks?subject_id=pay_anew');
    expect(body.data).toMatchObject([{ status: 'open', resolved: null }]);
  });

  it.each([
    ['outcome', { reason: 'r' }],
    ['reason', { outcome: 'failed' }],
    ['outcome', { reason: 'r', outcome: 'maybe' }],
    ['provider_reference', { reason: 'r', outcome: 'failed', provider_reference: 'ch' }],
  ])('need a decision that can be carried out: %s of %j', async (path, body) => {
    const url = await raised('unknown_outcome', 'pay_undecided');
    const answer = await given.ask('POST', url, { body });
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, path]);
  });

  it('need the scope operator, and a task', async () => {
    const secret = await given.keyWith('payments:write');
    expect((await given.ask('GET', '/operator-tasks', { secret })).status).toBe(403);
    const body = { reason: 'r' };
    expect((await given.ask('POST', '/operator-tasks/opt_none/resolve', { body, secret })).status).toBe(403);
    expect((await given.ask('POST', '/operator-tasks/opt_none/resolve', { body })).status).toBe(404);
  });
});
