import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { replayDelivery, storeWebhook } from '../../../billing/webhook/deliveries';
import { forgetBodies } from '../../../billing/webhook/store';
import { inTransaction } from '../../../prisma/client';
import { fixedNow, useApi } from './test-api';
import { someTrace } from '../../support/trace';

const given = useApi();

const nothing = { payment_id: null, outcome: null, dispute: null, refund: null };

/** A delivery of an event, `minutes` after the first. */
async function delivered(
  eventId: string,
  more: { paymentId?: string; provider?: string; minutes?: number } = {},
) {
  const { paymentId = null, provider = 'sandbox', minutes = 0 } = more;
  await storeWebhook(given.db, {
    provider,
    event: { ...nothing, id: eventId, type: 'charge.succeeded', payment_id: paymentId },
    body: Buffer.from(`{"id":"${eventId}"}`),
    headers: { 'content-type': 'application/json' },
    receivedAt: new Date(fixedNow.getTime() + minutes * 60_000),
    trace: someTrace,
    isTraceSent: false,
  });
  const row = await given.db.webhookDelivery.findUniqueOrThrow({
    where: { provider_provider_event_id: { provider, provider_event_id: eventId } },
  });
  return row.id;
}
const idsOf = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);

describe('webhook deliveries', () => {
  it('are listed newest first, by provider, status and payment, without what was received', async () => {
    const one = await delivered('evt_l1', { paymentId: 'pay_l' });
    const two = await delivered('evt_l2', { paymentId: 'pay_l', minutes: 1 });
    const other = await delivered('evt_l1', { provider: 'other', minutes: 2 });
    await given.db.webhookDelivery.update({ where: { id: one }, data: { status: 'ignored' } });
    const list = async (query: string) =>
      idsOf((await given.ask('GET', `/webhook-deliveries?${query}`)).body);
    expect(await list('')).toEqual([other, two, one]);
    expect(await list('payment_id=pay_l')).toEqual([two, one]);
    expect(await list('provider=other')).toEqual([other]);
    expect(await list('provider=sandbox&status=ignored')).toEqual([one]);
    const page = await given.ask('GET', '/webhook-deliveries?limit=2');
    expect(await list(`limit=2&cursor=${page.body.next_cursor}`)).toEqual([one]);
    expect(page.body.data[0]).not.toHaveProperty('body');
    expect(page.body.data[0]).not.toHaveProperty('event');
  });

  it('are read with their body as text, until that is forgotten', async () => {
    const id = await delivered('evt_body', { paymentId: 'pay_b' });
    const { body } = await given.ask('GET', `/webhook-deliveries/${id}`);
    expect(body).toEqual({
      id,
      provider: 'sandbox',
      provider_event_id: 'evt_body',
      event_type: 'charge.succeeded',
      payment_id: 'pay_b',
      status: 'stored',
      outcome: null,
      received_at: fixedNow.toISOString(),
      processed_at: null,
      body: '{"id":"evt_body"}',
      headers: { 'content-type': 'application/json' },
    });
    const young = await delivered('evt_young', { minutes: 60 });
    await forgetBodies(given.db, new Date(fixedNow.getTime() + 30 * 60_000), 1_000);
    expect((await given.ask('GET', `/webhook-deliveries/${id}`)).body.body).toBeNull();
    expect((await given.ask('GET', `/webhook-deliveries/${young}`)).body.body).toBe('{"id":"evt_young"}');
  });

  it('are told once more by a replay, each with an id of its own', async () => {
    const id = await delivered('evt_again', { paymentId: 'pay_a' });
    await given.db.webhookDelivery.update({
      where: { id },
      data: { status: 'failed', outcome: 'The payment is not known.', processed_at: fixedNow },
    });
    const first = await given.ask('POST', `/webhook-deliveries/${id}/replay`);
    expect(first.status).toBe(202);
    expect(first.body).toMatchObject({ id, status: 'stored', outcome: null, processed_at: null });
    const second = await given.ask('POST', `/webhook-deliveries/${id}/replay`, {
      body: { reason: 'restored' },
    });
    expect(second.status).toBe(202);
    const events = await given.db.outboxEvent.findMany({ where: { subject: id }, orderBy: { id: 'asc' } });
    expect(events.map(({ event_id }) => event_id)).toEqual([
      'sandbox/evt_again',
      'sandbox/evt_again/again/1',
      'sandbox/evt_again/again/2',
    ]);
    const [reported, again] = events.map(
      ({ payload }) => (JSON.parse(payload ?? '{}') as { data: object }).data,
    );
    expect(again).toEqual(reported);
    const audit = await given.db.auditLog.findMany({ where: { subject_id: id }, orderBy: { id: 'asc' } });
    expect(audit).toMatchObject([
      { action: 'POST /webhook-deliveries/{delivery_id}/replay', actor: { id: 'key_bootstrap' } },
      { actor: { reason: 'restored' } },
    ]);
  });

  it('are replayed once for the same Idempotency-Key', async () => {
    const id = await delivered('evt_keyed');
    const ask = () => given.ask('POST', `/webhook-deliveries/${id}/replay`, { key: 'replay-1' });
    expect([(await ask()).status, (await ask()).status]).toEqual([202, 202]);
    expect(await given.db.outboxEvent.count({ where: { subject: id } })).toBe(2);
  });

  it('need the scope operator, and are not found when there are none', async () => {
    const id = await delivered('evt_scope');
    const secret = await given.keyWith('payments:read', 'payments:write');
    const paths = ['', `/${id}`].map((path) => ['GET', `/webhook-deliveries${path}`] as const);
    for (const [method, path] of [...paths, ['POST', `/webhook-deliveries/${id}/replay`] as const]) {
      expect((await given.ask(method, path, { secret })).status).toBe(403);
    }
    expect((await given.ask('GET', '/webhook-deliveries/whd_none')).status).toBe(404);
    expect((await given.ask('POST', '/webhook-deliveries/whd_none/replay')).status).toBe(404);
  });

  it('that were stored and not processed are found and told again, unless they are on their way', async () => {
    const found = async (toleranceMs: number) => {
      const items = await findStuckWork(given.db, { toleranceMs, testClockId: null, limit: 1_000 });
      return items
        .filter(({ predicate }) => predicate === 'webhook_not_processed')
        .map(({ subject }) => subject.id);
    };
    // As if all before had been consumed.
    await given.db.webhookDelivery.updateMany({ data: { status: 'processed' } });
    const published = (id: string, minutesAgo: number) =>
      given.db.outboxEvent.updateMany({
        where: { subject: id },
        data: { published_at: new Date(Date.now() - minutesAgo * 60_000) },
      });
    const longAgo = -400 * 24 * 60;
    const lost = await delivered('evt_lost', { minutes: longAgo });
    const unpublished = await delivered('evt_unpublished', { minutes: longAgo + 1 });
    const done = await delivered('evt_done', { minutes: longAgo });
    await published(lost, 12);
    await published(done, 12);
    await given.db.webhookDelivery.update({ where: { id: done }, data: { status: 'processed' } });
    expect(await found(60_000)).toEqual([lost]);
    expect(await found(0)).toEqual([lost, unpublished]);
    await inTransaction(given.db, (tx) => replayDelivery(tx, lost));
    expect(await found(60_000)).toEqual([]);
    // Told again and lost again: the next time is later.
    await published(lost, 12);
    expect(await found(60_000)).toEqual([]);
    await published(lost, 22);
    expect(await found(60_000)).toEqual([lost]);
  });
});
