import { notification } from '../../../contracts/http/notifications';
import { fixedNow, useApi } from './test-api';

const given = useApi();

const reported = (id: string, minutes: number, more: object = {}) => ({
  id,
  event_id: `payment_failed/${id}/attempt/1`,
  template: 'payment_failed',
  customer_id: 'ada',
  subscription_id: 'sub_1',
  payment_id: 'pay_1',
  channel: 'smtp',
  status: 'sent',
  attempts: 1,
  message_id: `<${id}@example.org>`,
  requested_at: fixedNow,
  created_at: new Date(fixedNow.getTime() + minutes * 60_000),
  sent_at: fixedNow,
  ...more,
});

describe('notifications', () => {
  it('are listed newest first, by customer, subscription and status, page by page', async () => {
    const failed = { status: 'failed', reason: 'the webhook answered 410', message_id: null, sent_at: null };
    await given.db.notification.createMany({
      data: [
        reported('ntf_1', 1),
        reported('ntf_2', 2, { ...failed, subscription_id: null }),
        reported('ntf_3', 3, { customer_id: 'bob', subscription_id: 'sub_2' }),
      ],
    });
    const list = async (query: string) => {
      const { body } = await given.ask('GET', `/notifications?${query}`);
      return (body.data as { id: string }[]).map(({ id }) => id);
    };
    expect(await list('')).toEqual(['ntf_3', 'ntf_2', 'ntf_1']);
    expect(await list('customer_id=ada')).toEqual(['ntf_2', 'ntf_1']);
    expect(await list('subscription_id=sub_2')).toEqual(['ntf_3']);
    expect(await list('customer_id=ada&status=failed')).toEqual(['ntf_2']);
    const { body } = await given.ask('GET', '/notifications?limit=2');
    expect(await list(`limit=2&cursor=${body.next_cursor}`)).toEqual(['ntf_1']);
    expect(Object.keys(body.data[0]).toSorted()).toEqual(Object.keys(notification.shape).toSorted());
  });

  it('are for operators, and refuse a status that there is not', async () => {
    expect((await given.ask('GET', '/notifications?status=lost')).status).toBe(422);
    const secret = await given.keyWith('customers:read');
    const refused = await given.ask('GET', '/notifications', { secret });
    expect(refused.status).toBe(403);
  });
});
