/** Free text of commands: it lies in rows, and what is sent to a workflow carries the id of one. */
import { attachTexts, detachTexts, forgetTexts } from '../../../billing/command-texts';
import { useApi, planOf } from './test-api';
import { writeRows } from './subscription-rows';

const api = useApi();
const text = 'she moved to Kent';
const metadata = { note: text };
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  await api.ask('POST', '/customers', { body: { id: 'ada' } });
  await api.ask('POST', '/customers/ada/payment-methods', { body: { provider: 'sandbox', token: 'tok_ok' } });
  api.process.onCreate = async (creation) => {
    await writeRows(api.db, creation, 'active', 'completed');
    return 'concluded';
  };
  await subscribe({});
  await api.db.$executeRawUnsafe(`CREATE FUNCTION refuse_texts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'the disk is full'; END $$`);
  for (const id of ['pay_1', 'pay_2'])
    await api.db.payment.create({
      data: {
        id,
        kind: 'manual',
        status: 'requested',
        customer_id: 'ada',
        amount: 1000n,
        currency: 'EUR',
        announced: true,
      },
    });
  await api.db.bulkRetry.create({
    data: { id: 'brt_1', status: 'running', filter: {}, reason: 'r', actor: {}, rate_per_second: 1 },
  });
});
beforeEach(async () => {
  api.held.length = 0;
  await api.db.commandText.deleteMany();
});

const subscribe = (more: object) =>
  api.ask('POST', '/subscriptions', { body: { customer_id: 'ada', plan_id: 'gold', ...more } });
const subscriptionId = async () => (await api.db.subscription.findFirstOrThrow()).id;

const calls: [what: string, call: () => Promise<unknown>, subject: () => Promise<string>][] = [
  ['a creation', () => subscribe({ metadata }), () => Promise.resolve('ada')],
  [
    'a change',
    async () => api.ask('PUT', `/subscriptions/${await subscriptionId()}`, { body: { metadata } }),
    subscriptionId,
  ],
  [
    'a cancellation',
    async () =>
      api.ask('DELETE', `/subscriptions/${await subscriptionId()}?reason=${encodeURIComponent(text)}`),
    subscriptionId,
  ],
  [
    'a refund',
    () => api.ask('POST', '/payments/pay_1/refunds', { body: { reason: text } }),
    () => Promise.resolve('pay_1'),
  ],
  [
    'the cancellation of a payment',
    () => api.ask('POST', '/payments/pay_2/cancel', { body: { reason: text } }),
    () => Promise.resolve('pay_2'),
  ],
  [
    'a decision about a bulk retry',
    () => api.ask('POST', '/bulk-retries/brt_1/pause', { body: { reason: text } }),
    () => Promise.resolve('brt_1'),
  ],
];

describe('I6: the free text of a command', () => {
  it.each(calls)('of %s lies in a row, and is in nothing that is sent', async (_, call, subject) => {
    await call();
    const [row] = await api.db.commandText.findMany();
    expect(row?.subject_id).toBe(await subject());
    expect(JSON.stringify(row?.texts)).toContain(text);
    expect(api.held).toMatchObject([{ texts_id: row?.id }]);
    expect(JSON.stringify(api.held)).not.toContain(text);
    expect(JSON.stringify(await attachTexts(api.db, api.held[0] ?? {}))).toContain(text);
  });

  it.each(calls)('of %s that cannot be written is 503, and nothing is sent', async (_, call) => {
    await api.db
      .$executeRaw`CREATE TRIGGER refused BEFORE INSERT ON command_texts EXECUTE FUNCTION refuse_texts()`;
    try {
      expect(await call()).toMatchObject({ status: 503 });
    } finally {
      await api.db.$executeRaw`DROP TRIGGER refused ON command_texts`;
    }
    expect(api.held).toEqual([]);
  });

  it('has no row where there is none', async () => {
    await subscribe({ metadata: {} });
    expect(api.held).toEqual([expect.not.objectContaining({ texts_id: expect.anything() })]);
    expect(await api.db.commandText.count()).toBe(0);
  });

  it('is blank once its row is gone, after a week', async () => {
    const actor = { kind: 'api_key' as const, id: 'key_1', reason: text };
    const command = { metadata, reason: text, actor, mode: 'now' };
    const subject = { type: 'subscription', id: 'sub_1' } as const;
    const sent = await detachTexts(api.db, { id: 'old', subject }, command);
    await detachTexts(api.db, { id: 'young', subject }, command);
    expect(await attachTexts(api.db, sent)).toEqual({ ...command, texts_id: 'old' });
    await api.db.commandText.update({ where: { id: 'old' }, data: { created_at: new Date(0) } });
    expect(await forgetTexts(api.db, new Date(1), 10)).toBe(1);
    expect(await api.db.commandText.findMany({ select: { id: true } })).toEqual([{ id: 'young' }]);
    expect(await attachTexts(api.db, sent)).toEqual({
      metadata: null,
      reason: 'erased',
      actor: { ...actor, reason: null },
      mode: 'now',
      texts_id: 'old',
    });
  });
});
