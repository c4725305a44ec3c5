import { analyticsServiceHandlers } from '../../../bridge/consumers/analytics-service';
import type { ReadEvent } from '../../../contracts/topics/envelope';
import type { Subscription } from '../../../contracts/http/subscriptions';
import { writeHistory } from '../../support/kafka/subscription-records';
import { useApi } from './test-api';

const given = useApi();

/** id, version, day of January 2027, monthly price, status. */
type Fact = [string, number, number, number, Subscription['status']];

/** Two customers over ten days: new, expansion, pause, resume, contraction, churn. */
const facts: Fact[] = [
  ['sub_a', 1, 2, 1000, 'active'],
  ['sub_b', 1, 3, 500, 'active'],
  ['sub_a', 2, 4, 1500, 'active'],
  ['sub_b', 2, 5, 500, 'paused'],
  ['sub_b', 3, 7, 500, 'active'],
  ['sub_a', 3, 8, 1200, 'past_due'],
  ['sub_a', 4, 9, 1200, 'expired'],
];

async function deliver(list: readonly Fact[]): Promise<void> {
  const handlers = analyticsServiceHandlers(given.db);
  for (const [id, version, day, amount, status] of list) {
    const subscription = {
      id,
      version,
      amount,
      status,
      currency: 'EUR',
      plan_id: id === 'sub_a' ? 'gold' : 'silver',
      interval: { unit: 'month', count: 1 },
    } as Subscription;
    const time = new Date(Date.UTC(2027, 0, day, 12)).toISOString();
    await writeHistory(given.db, [{ subscription, at: new Date(time) }]);
    // The record's own time counts for nothing.
    const event = {
      id: `${id}/v${version}`,
      subject: id,
      time: '2020-01-01T00:00:00Z',
      data: { subscription },
    };
    await handlers['subscriptions.updated']?.(event as ReadEvent<'subscriptions.updated'>);
  }
}

const query = '/analytics/mrr?currency=EUR&from=2027-01-03&to=2027-01-10';

describe('GET /analytics/recovery', () => {
  it('counts what became past due, was recovered and was lost, by day', async () => {
    const others: Fact[] = [
      ['sub_c', 1, 12, 700, 'active'],
      ['sub_c', 2, 13, 700, 'past_due'],
      ['sub_c', 3, 14, 700, 'past_due'],
      ['sub_c', 4, 15, 700, 'active'],
      ['sub_d', 1, 12, 300, 'active'],
      ['sub_d', 2, 13, 300, 'past_due'],
      ['sub_d', 3, 15, 300, 'expired'],
    ];
    await deliver(others.toReversed());
    const { status, body } = await given.ask(
      'GET',
      '/analytics/recovery?currency=EUR&from=2027-01-13&to=2027-01-15',
    );
    expect(status).toBe(200);
    const none = { past_due: 0, recovered: 0, lost: 0, past_due_mrr: 0, recovered_mrr: 0, lost_mrr: 0 };
    expect(body.data).toEqual([
      { date: '2027-01-13', ...none, past_due: 2, past_due_mrr: 1000 },
      { date: '2027-01-14', ...none },
      { date: '2027-01-15', ...none, recovered: 1, recovered_mrr: 700, lost: 1, lost_mrr: 300 },
    ]);
    await given.db.subscriptionRevenue.deleteMany({ where: { subscription_id: { in: ['sub_c', 'sub_d'] } } });
  });
});

describe('GET /analytics/mrr', () => {
  it('tells revenue and its movements by day, whatever the order of the records and however often they come', async () => {
    await deliver(facts.toReversed());
    await deliver(facts);
    const { status, body } = await given.ask('GET', query);
    expect(status).toBe(200);
    const none = { new: 0, expansion: 0, contraction: 0, churn: 0, recovery: 0 };
    expect(body).toEqual({
      currency: 'EUR',
      data: [
        { date: '2027-01-03', mrr: 1500, ...none, new: 500 },
        { date: '2027-01-04', mrr: 2000, ...none, expansion: 500 },
        { date: '2027-01-05', mrr: 1500, ...none, churn: -500 },
        { date: '2027-01-06', mrr: 1500, ...none },
        { date: '2027-01-07', mrr: 2000, ...none, recovery: 500 },
        { date: '2027-01-08', mrr: 1700, ...none, contraction: -300 },
        { date: '2027-01-09', mrr: 500, ...none, churn: -1200 },
        { date: '2027-01-10', mrr: 500, ...none },
      ],
    });
  });

  it('covers the last 30 days where nothing is said', async () => {
    const { body } = await given.ask('GET', '/analytics/mrr?currency=EUR');
    expect(body.data).toHaveLength(30);
    expect(body.data.at(-1)).toMatchObject({ date: '2027-01-15', mrr: 500 });
  });

  it.each([
    ['from=2027-01-03', 'currency'],
    ['currency=EUR&from=yesterday', 'from'],
    ['currency=EUR&from=2027-02-01&to=2027-01-01', 'from'],
    ['currency=EUR&from=2000-01-01&to=2027-01-01', 'from'],
  ])('refuses %s and names %s', async (text, path) => {
    const { status, body } = await given.ask('GET', `/analytics/mrr?${text}`);
    expect([status, body.errors[0].path]).toEqual([422, path]);
  });
});

describe('GET /analytics/subscriptions', () => {
  it('counts what is active or past due at the end of each day, by plan', async () => {
    await deliver(facts);
    const { body } = await given.ask('GET', '/analytics/subscriptions?from=2027-01-04&to=2027-01-09');
    const text = (body.data as { date: string; plan_id: string; active: number }[]).map(
      ({ date, plan_id, active }) => `${date.slice(8)} ${plan_id} ${active}`,
    );
    expect(text).toEqual([
      '04 gold 1',
      '04 silver 1',
      '05 gold 1',
      '06 gold 1',
      '07 gold 1',
      '07 silver 1',
      '08 gold 1',
      '08 silver 1',
      '09 silver 1',
    ]);
  });
});
