import { recordDecision } from '../../../billing/retry/bulk-retries';
import { ProblemError } from '../../../contracts/problem-error';
import { writeFailed } from '../../support/failed-payment';
import { useApi, planOf } from './test-api';

const api = useApi();
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  await api.ask('POST', '/plans', { body: planOf('silver') });
  const { db } = api;
  await writeFailed(db, { id: 'pay_soft', at: '2025-03-02T00:00:00Z' });
  await writeFailed(db, {
    id: 'pay_broken',
    code: 'processing_error',
    at: '2025-03-01T00:00:00Z',
    amount: 250,
  });
  await writeFailed(db, { id: 'pay_dollars', currency: 'USD', amount: 900, at: '2025-03-03T00:00:00Z' });
  await writeFailed(db, { id: 'pay_hard', code: 'expired_card' });
  await writeFailed(db, { id: 'pay_gold', plan: 'gold', at: '2025-03-04T00:00:00Z' });
  await writeFailed(db, { id: 'pay_paused', plan: 'silver', status: 'paused' });
  await writeFailed(db, { id: 'pay_final', plan: 'silver', status: 'expired' });
  await writeFailed(db, { id: 'pay_methodless', method: null });
  // The strictest network allows ten in a day.
  await writeFailed(db, { id: 'pay_often', attempts: 10 });
  await writeFailed(db, { id: 'pay_paid' });
  await db.payment.update({ where: { id: 'pay_paid' }, data: { status: 'completed' } });
});
beforeEach(() => {
  const { bulkRetries } = api;
  bulkRetries.started.length = 0;
  bulkRetries.commands.length = 0;
  bulkRetries.onStart = () => Promise.resolve();
  bulkRetries.onCommand = async (id, name, { actor }) => void (await recordDecision(api.db, id, name, actor));
});
afterEach(async () => {
  // No payment is in two runs that are not over.
  await api.db.bulkRetry.updateMany({
    where: { finished_at: null },
    data: { status: 'cancelled', finished_at: new Date() },
  });
});

const post = (body: object, more: object = {}) =>
  api.ask('POST', '/bulk-retries', { body: { reason: 'an outage', preview: false, ...body }, ...more });
const preview = async (filter: object) => (await post({ filter, preview: true })).body.preview;
/** What a run selected, in its order. */
const selected = async (id: string) => {
  const rows = await api.db.bulkRetryPayment.findMany({
    where: { bulk_retry_id: id },
    orderBy: { position: 'asc' },
  });
  return rows.map(({ payment_id }) => payment_id);
};

describe('a preview', () => {
  it('counts and sums what would be tried, and says why the rest would be refused', async () => {
    const { status, body, headers } = await post({ filter: {}, preview: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'previewed',
      preview: {
        count: 4,
        sums: [
          { currency: 'EUR', amount: 2_250 },
          { currency: 'USD', amount: 900 },
        ],
        refusals: [
          { reason: 'budget_exhausted', count: 1 },
          { reason: 'hard_declined', count: 1 },
          { reason: 'no_payment_method', count: 1 },
          { reason: 'subscription_final', count: 1 },
          { reason: 'subscription_paused', count: 1 },
        ],
      },
      progress: null,
      actor: { kind: 'api_key', reason: 'an outage' },
    });
    expect(headers.location).toBe(`/bulk-retries/${body.id}`);
    expect((await api.ask('GET', `/bulk-retries/${body.id}`)).body).toEqual(body);
    expect(api.bulkRetries.started).toEqual([]);
    expect(await api.db.retryRequest.count()).toBe(0);
  });

  it.each([
    [{ categories: ['processing_error'] }, 1],
    [{ categories: ['soft'] }, 4],
    [{ categories: ['hard', 'processing_error'] }, 1],
    [{ provider: 'sandbox', plan_id: 'gold' }, 1],
    [{ failed_from: '2025-03-02T00:00:00Z', failed_to: '2025-03-04T00:00:00Z' }, 2],
    [{ failed_from: '2025-03-04T00:00:00.001Z', failed_to: '2025-03-05T00:00:00Z' }, 0],
  ])('judges only what %j lets through: %i', async (filter, count) => {
    expect((await preview(filter)).count).toBe(count);
  });

  it('cannot be started, paused or cancelled', async () => {
    const { body } = await post({ filter: {}, preview: true });
    for (const command of ['pause', 'resume', 'cancel']) {
      const refused = await api.ask('POST', `/bulk-retries/${body.id}/${command}`, {
        body: { reason: 'why' },
      });
      expect(refused).toMatchObject({ status: 409, body: { code: 'bulk_retry_state', reason: 'previewed' } });
    }
    expect(api.bulkRetries.commands).toEqual([]);
  });
});

describe('a run', () => {
  it('selects what has failed, in the order in which it failed, and starts', async () => {
    const { status, body } = await post({
      filter: { categories: ['soft'], failed_to: '2025-03-05T00:00:00Z' },
    });
    expect(status).toBe(202);
    const progress = { total: 7, attempted: 0, refused: 0, remaining: 7 };
    expect(body).toMatchObject({ status: 'running', progress, preview: null, rate_per_second: 10 });
    expect(await selected(body.id)).toEqual([
      'pay_broken',
      'pay_final',
      'pay_methodless',
      'pay_paused',
      'pay_soft',
      'pay_dollars',
      'pay_gold',
    ]);
    expect(api.bulkRetries.started).toEqual([body.id]);
  });

  it('takes no payment that another has which is not over, and its preview says so', async () => {
    const first = await post({ filter: { categories: ['processing_error'] } });
    const second = await post({ filter: { categories: ['processing_error'] } });
    expect(second.body.progress.total).toBe(0);
    const seen = { count: 0, sums: [], refusals: [{ reason: 'in_bulk_retry', count: 1 }] };
    expect(await preview({ categories: ['processing_error'] })).toEqual(seen);
    await api.ask('POST', `/bulk-retries/${first.body.id}/cancel`, { body: { reason: 'enough' } });
    expect((await preview({ categories: ['processing_error'] })).count).toBe(1);
  });

  it('is made once under one Idempotency-Key', async () => {
    const ask = { filter: { plan_id: 'gold' } };
    const [first, again] = [await post(ask, { key: 'bulk-1' }), await post(ask, { key: 'bulk-1' })];
    expect(again.body).toEqual(first.body);
    expect(await selected(first.body.id)).toEqual(['pay_gold']);
  });

  it('is recorded though its process cannot be started now', async () => {
    api.bulkRetries.onStart = () => Promise.reject(new ProblemError('unavailable', 'Temporal is away.'));
    const { status, body } = await post({ filter: { plan_id: 'gold' } });
    expect({ status, of: body.status }).toEqual({ status: 202, of: 'running' });
  });

  it('is paused, resumed and cancelled, each with actor and reason, and again without effect', async () => {
    const { body } = await post({ filter: { plan_id: 'gold' }, rate_per_second: 2 });
    const command = (name: string, reason: string) =>
      api.ask('POST', `/bulk-retries/${body.id}/${name}`, { body: { reason } });
    expect((await command('pause', 'the bank asks')).body).toMatchObject({
      status: 'paused',
      decision: { command: 'pause', actor: { kind: 'api_key', reason: 'the bank asks' } },
    });
    await command('pause', 'again');
    expect((await command('resume', 'go on')).body.status).toBe('running');
    const cancelled = (await command('cancel', 'enough')).body;
    expect(cancelled).toMatchObject({ status: 'cancelled', progress: { remaining: 1 } });
    expect(cancelled.finished_at).not.toBeNull();
    expect((await command('resume', 'no')).body).toMatchObject({
      code: 'bulk_retry_state',
      reason: 'cancelled',
    });
    expect(api.bulkRetries.commands.map(({ name }) => name)).toEqual(['pause', 'resume', 'cancel']);
    const audited = await api.db.auditLog.findMany({
      where: { subject_id: body.id },
      orderBy: { id: 'asc' },
    });
    expect(
      audited.map(({ action, status, actor }) => [action, status, (actor as { reason: string }).reason]),
    ).toEqual([
      ['POST /bulk-retries', 202, 'an outage'],
      ['POST /bulk-retries/{bulk_retry_id}/pause', 200, 'the bank asks'],
      ['POST /bulk-retries/{bulk_retry_id}/pause', 200, 'again'],
      ['POST /bulk-retries/{bulk_retry_id}/resume', 200, 'go on'],
      ['POST /bulk-retries/{bulk_retry_id}/cancel', 200, 'enough'],
      ['POST /bulk-retries/{bulk_retry_id}/resume', 409, 'no'],
    ]);
  });

  it('is in the list, newest first, by status', async () => {
    const { body } = await post({ filter: { plan_id: 'gold' } });
    const { body: running } = await api.ask('GET', '/bulk-retries?status=running');
    expect(running.data).toEqual([body]);
    const { body: page } = await api.ask('GET', '/bulk-retries?limit=1');
    expect(page.data).toEqual([body]);
    expect((await api.ask('GET', `/bulk-retries?limit=1&cursor=${page.next_cursor}`)).body.data).toHaveLength(
      1,
    );
  });
});

describe('bad input', () => {
  it.each([
    [{ filter: {} }, 'confirm_all', 'must be true to try every failed payment: the filter has no bound'],
    [{ filter: { categories: [] } }, 'filter.categories', 'must name at least one'],
    [{ filter: { categories: ['bad'] } }, 'filter.categories.0', 'must be a decline code or category'],
    [{ filter: { provider: 'nobody' } }, 'filter.provider', 'must be one of sandbox'],
    [{ filter: { plan_id: 'none' } }, 'filter.plan_id', 'must be the id of a plan'],
    [{ filter: { failed_from: 'today' } }, 'filter.failed_from', 'must be an RFC 3339 instant'],
    [
      { filter: { failed_from: '2025-03-02T00:00:00Z', failed_to: '2025-03-02T00:00:00Z' } },
      'filter.failed_to',
      'must be later than failed_from',
    ],
    [{ filter: { status: 'failed' } }, 'filter.status', 'is not a known field'],
    [
      { filter: { plan_id: 'gold' }, rate_per_second: 0 },
      'rate_per_second',
      'must be a whole number from 1 to 500',
    ],
    [{ filter: { plan_id: 'gold' }, reason: ' ' }, 'reason', 'must not be empty'],
    [{ filter: { plan_id: 'gold' }, preview: undefined }, 'preview', 'is required'],
  ])('%j is refused at %s', async (body, path, message) => {
    const { status, body: problem } = await post(body);
    expect({ status, code: problem.code }).toEqual({ status: 422, code: 'validation_failed' });
    expect(problem.errors).toEqual([{ path, message: expect.stringContaining(message) }]);
    expect(await api.db.bulkRetry.count({ where: { status: 'running' } })).toBe(0);
  });

  it('everything is tried with confirm_all', async () => {
    const { status, body } = await post({ filter: {}, confirm_all: true });
    expect({ status, total: body.progress.total }).toEqual({ status: 202, total: 9 });
  });

  it('an unknown one is not found, and a key without the scope may do nothing', async () => {
    expect((await api.ask('GET', '/bulk-retries/brt_none')).status).toBe(404);
    const secret = await api.keyWith('payments:read', 'payments:write');
    expect((await post({ filter: { plan_id: 'gold' } }, { secret })).status).toBe(403);
    expect((await api.ask('GET', '/bulk-retries', { secret })).status).toBe(403);
  });
});
