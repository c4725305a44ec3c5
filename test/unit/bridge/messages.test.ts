import { prompt } from '../../../bridge/consumers/messages';
import type { WorkflowMessage } from '../../../contracts/workflows/messages';
import { WorkflowClient, type Signal } from '../../../temporal/client';
import { recordOf } from '../../support/outside';

/** Notes under which ids signals are sent. */
class NotingClient extends WorkflowClient {
  readonly ids: (string | undefined)[] = [];

  override signalWithStart(_start: object, { eventId }: Signal): Promise<void> {
    this.ids.push(eventId);
    return Promise.resolve();
  }
}

const hint = (more: { source?: string; time?: string; period_index?: number } = {}) => {
  const { source = '/retry-service', time = '2027-03-01T09:00:00.000Z', period_index = 3 } = more;
  const data = { subscription_id: 'sub_1', customer_id: 'cus_1', period_index, due_at: time };
  const event = { id: 'sub_1/period/3/v8', source, time };
  return recordOf<'subscriptions.renew_required'>({ ...data, cause: 'period_end' }, event);
};
const wake: WorkflowMessage[] = [{ kind: 'repair_subscription', subscription_id: 'sub_1' }];

async function idsOf(...events: ReturnType<typeof hint>[]): Promise<Set<string | undefined>> {
  const client = new NotingClient({} as never);
  for (const event of events) await prompt({ client, db: {} as never, times: {} as never }, event, wake);
  return new Set(client.ids);
}

describe('R5: the id that a signal is sent under', () => {
  it('is one for a record that comes again', async () => {
    expect((await idsOf(hint(), hint())).size).toBe(1);
  });

  it.each([{ source: '/crm' }, { time: '2027-02-01T09:00:00.000Z' }, { period_index: 2 }])(
    'is another one for a record that has taken the id of a record to come: %j',
    async (forged) => {
      expect((await idsOf(hint(forged), hint())).size).toBe(2);
    },
  );
});
