/**
 * Years by test clock, with the real servers: customers who are bound to a clock live through it in seconds.
 *
 * One order waits for a real minute (its request never arrived, which takes that long to prove); it is placed when the
 * system starts.
 */
import { randomUUID } from 'node:crypto';
import { requireCode, startProgram } from '../../support/processes';
import type { Json, TestSystem } from '../../support/system';
import { theLostRequest, theSystem } from './system';
import { eventually } from '../../support/eventually';

let its: TestSystem;
beforeAll(() => {
  its = theSystem();
});
afterEach(() => its?.heal());

const clockAt = (now: string) => its.made('/test-clocks', { now });

/** A subscription of a customer of its own. */
async function ordered(clock: string, token: string, more: Json = {}, wanted = 201) {
  const { customer, order } = await its.buyer(token, clock);
  const { status, body } = await its.call('POST', '/subscriptions', { ...order, ...more }, randomUUID());
  expect({ status, body }).toMatchObject({ status: wanted });
  return { id: String(body['id']), customer, body };
}

const eventsOf = (id: string, topic: string) => its.topics.of(id, topic).map(({ event }) => event.data);
const changesOf = (id: string) => eventsOf(id, 'subscriptions.updated').map(({ changes }) => changes);
const renewals = (id: string) => changesOf(id).filter((changes) => (changes as string[]).includes('renewed'));
const periodsOf = async (id: string) => (await its.get(`/subscriptions/${id}/periods`))['data'] as Json[];

test('twelve renewals, each told once and charged once, beside a trial that becomes twelve periods', async () => {
  const clock = await clockAt('2031-01-31T10:00:00Z');
  const year = await ordered(clock, 'tok_ok');
  const trial = await ordered(clock, 'tok_ok', { trial_days: 14 });

  const now = await its.advance(clock, '2032-01-31T10:00:00Z', 240_000);
  expect(now).toMatchObject({
    status: 'ready',
    now: '2032-01-31T10:00:00.000Z',
    target: null,
    detail: null,
    // Twelve ends of periods; the end of the trial, and eleven ends of periods.
    steps: 24,
  });
  await its.topicsAreIdle();

  for (const { id, customer, charges } of [
    { ...year, charges: 13 },
    { ...trial, charges: 12 },
  ]) {
    expect(eventsOf(id, 'subscriptions.renew_required')).toHaveLength(12);
    expect(eventsOf(id, 'payments.completed')).toHaveLength(12);
    expect(renewals(id)).toHaveLength(12);
    const taken = (await its.charges(customer)).filter(({ status }) => status === 'succeeded');
    expect(taken).toHaveLength(charges);
    expect(new Set(taken.map(({ metadata }) => metadata.payment_id)).size).toBe(charges);
  }
  const boundaries = (await periodsOf(year.id)).map(({ start }) => start);
  expect(boundaries.slice(0, 3)).toEqual([
    '2031-01-31T10:00:00.000Z',
    '2031-02-28T10:00:00.000Z',
    // 31 March is summer time in Berlin.
    '2031-03-31T09:00:00.000Z',
  ]);
  expect(boundaries).toHaveLength(13);
  const paidAt = eventsOf(year.id, 'payments.completed').map(({ completed_at }) => String(completed_at));
  expect(paidAt.toSorted((a, b) => a.localeCompare(b))).toEqual(boundaries.slice(1));
});

test('a start, a pause and an end at their instants, all by a clock that lies years back', async () => {
  const clock = await clockAt('2020-01-15T12:00:00Z');
  const { order } = await its.buyer('tok_ok', clock);
  const past = await its.call('POST', '/subscriptions', { ...order, start_at: '2020-01-15T11:59:59Z' });
  expect(past.status).toBe(422);
  const later = await ordered(clock, 'tok_ok', { start_at: '2020-02-20T12:00:00Z' });
  expect(later.body).toMatchObject({ status: 'scheduled' });
  const ending = await ordered(clock, 'tok_ok');
  const paused = await ordered(clock, 'tok_ok');
  const end = await its.call('DELETE', `/subscriptions/${ending.id}?mode=period_end`);
  expect(end.body).toMatchObject({ status: 'active', cancel_at: '2020-02-15T12:00:00.000Z' });
  const pause = await its.call('POST', `/subscriptions/${paused.id}/pause`, {
    resume_at: '2020-03-01T12:00:00Z',
  });
  expect(pause.body).toMatchObject({ status: 'paused', paused_at: '2020-01-15T12:00:00.000Z' });

  await its.advance(clock, '2020-02-29T12:00:00Z');
  expect(await its.get(`/subscriptions/${later.id}`)).toMatchObject({
    status: 'active',
    period: { index: 1, start: '2020-02-20T12:00:00.000Z', paid: true },
  });
  expect(await its.get(`/subscriptions/${ending.id}`)).toMatchObject({
    status: 'cancelled',
    cancelled_at: '2020-02-15T12:00:00.000Z',
  });
  expect(await its.charges(ending.customer)).toHaveLength(1);
  expect(await its.get(`/subscriptions/${paused.id}`)).toMatchObject({ status: 'paused' });

  await its.advance(clock, '2020-03-10T12:00:00Z');
  expect(await its.get(`/subscriptions/${paused.id}`)).toMatchObject({
    status: 'active',
    // The paid period had ended: the next begins with the resumption.
    period: { index: 2, start: '2020-03-01T12:00:00.000Z', paid: true },
  });
  expect(await its.charges(paused.customer)).toHaveLength(2);
});

test('refused backwards, too far, and for customers of no clock', async () => {
  const clock = await clockAt('2030-01-01T00:00:00Z');
  const advance = (to: string) => its.call('POST', `/test-clocks/${clock}/advance`, { to });
  for (const to of ['2029-12-31T23:59:59Z', '2032-01-01T00:00:01Z']) {
    const { status, body } = await advance(to);
    expect({ status, body }).toMatchObject({ status: 422, body: { errors: [{ path: 'to' }] } });
  }
  expect(await its.get(`/test-clocks/${clock}`)).toMatchObject({ status: 'ready', steps: 0 });
});

test('deleting a clock ends its subscriptions', async () => {
  const clock = await clockAt('2030-06-01T00:00:00Z');
  const { id } = await ordered(clock, 'tok_ok');
  expect(await its.call('DELETE', `/test-clocks/${clock}`)).toMatchObject({ status: 200 });
  expect(await its.get(`/subscriptions/${id}`)).toMatchObject({ status: 'cancelled' });
  await its.topics.next('subscriptions.cancelled', id);
  await eventually('the clock to be gone', async () => {
    return (await its.call('GET', `/test-clocks/${clock}`)).status === 404;
  });
});

/** As an operator types it; both streams. */
async function cli(wantedCode: number, ...args: string[]): Promise<string> {
  const environment = { API_URL: its.system.apiUrl, API_KEY: its.system.apiKey };
  return requireCode(await startProgram('bin/cli.js', environment, args).ended, wantedCode);
}

test('the command line makes time pass, retries what was declined, and tells what happened', async () => {
  const made = JSON.parse(await cli(0, 'test-clocks', 'create', '--now', '2031-01-01T12:00:00Z', '--json'));
  const clock = String((made as Json)['id']);
  const { id } = await ordered(clock, 'tok_ok_then_fail_1');
  expect(await cli(0, 'test-clocks', 'advance', clock, '--to', '2031-02-02T00:00:00Z')).toMatch(/ready/);

  const failed = await cli(0, 'payments', 'list', '--subscription-id', id, '--status', 'failed', '--json');
  const { data } = JSON.parse(failed) as { data: Json[] };
  const payment = String(data[0]?.['id']);
  expect(await cli(2, 'retry', payment)).toContain('--reason is missing');
  expect(await cli(0, 'retry', payment, '--reason', 'she called')).toContain('is asked for');
  await eventually(
    'the payment',
    async () => (await its.get(`/payments/${payment}`))['status'] === 'completed',
  );
  expect(await cli(1, 'retry', payment, '--reason', 'once more')).toContain('payment_not_retryable');
  expect(await cli(0, 'payments', 'show', payment)).toMatch(/amount +10\.00 EUR/);
  await its.topicsAreIdle();

  const timeline = await cli(0, 'subscriptions', 'timeline', id, '--limit', '100');
  const inOrder = [
    'POST /subscriptions answered 201',
    'Period 2 opened: 1 Feb 2031 – 1 Mar 2031',
    'Attempt 1 declined: insufficient funds (soft)',
    'Event payments.failed is on partition',
    'Next attempt planned for 2031-02',
    'Retry asked for: she called',
    'Attempt 2 took 10.00 EUR',
    'Event payments.completed is on partition',
    'payment not retryable (once more)',
  ];
  const places = inOrder.map((text) => timeline.indexOf(text));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  await cli(0, 'subscriptions', 'cancel', id, '--reason', 'moved');
  expect(await cli(0, 'audit', '--subject', id)).toMatch(/DELETE \/subscriptions\/.* 200 +moved/);
});

test('a request that never arrived is sent again, and ended once it is proved lost again, a real minute each', async () => {
  const { clock, subscriptionId, customer, paymentId } = await theLostRequest();
  const now = await its.standing(clock, 240_000);
  expect(now).toMatchObject({ status: 'ready', now: '2033-05-01T07:00:00.000Z' });
  expect(await its.get(`/subscriptions/${subscriptionId}`)).toMatchObject({ status: 'expired' });
  await its.topicsAreIdle();
  const [failed] = eventsOf(subscriptionId, 'payments.failed');
  // Sent again after the lookups of 5 and 15 minutes; proved lost once more by those of 1 and 6 hours.
  expect(failed).toMatchObject({
    payment_id: paymentId,
    failed_at: '2033-05-01T06:00:00.000Z',
    failure: { code: 'processing_error' },
  });
  expect(await its.charges(customer)).toHaveLength(0);
});

test('without a bridge it fails, names what it waits for, and goes on when asked again', async () => {
  const clock = await clockAt('2030-01-01T00:00:00Z');
  const { id, customer } = await ordered(clock, 'tok_ok');
  await its.topicsAreIdle();
  await its.system.product('bridge').stop();
  const to = '2030-02-15T00:00:00.000Z';
  expect((await its.call('POST', `/test-clocks/${clock}/advance`, { to })).status).toBe(202);
  const second = await its.call('POST', `/test-clocks/${clock}/advance`, { to });
  expect(second).toMatchObject({ status: 409, body: { code: 'test_clock_advancing' } });

  const failed = await its.standing(clock);
  expect(failed).toMatchObject({ status: 'failed', target: to });
  expect(failed['detail']).toContain(`due_not_opened (${id})`);
  expect(failed['detail']).toContain('outbox_unpublished');
  expect(failed['now']).toBe('2030-02-01T00:00:00.000Z');

  await its.startAgain('bridge');
  expect(await its.advance(clock, to)).toMatchObject({ status: 'ready', now: to, detail: null });
  await its.topicsAreIdle();
  expect(await its.charges(customer)).toHaveLength(2);
  expect(eventsOf(id, 'payments.completed')).toHaveLength(1);
});
