/** The published schemas are all that another team has: what we write fits them, and what fits them we read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvelope } from '../../../contracts/topics/envelope';
import { misfitOf } from '../../chaos/published-schemas';
import { failedRecord, structured, time } from '../../support/kafka/consuming';
import { subscriptionUpdated } from '../../support/kafka/subscription-records';

const eventOf = ({ value }: { value?: unknown }) => JSON.parse(String(value)) as Record<string, unknown>;

describe('the published schema of a topic', () => {
  it('takes what is written, and fields that nobody knows', () => {
    const failed = eventOf(failedRecord('pay_1', 'sub_1'));
    expect(misfitOf('payments.failed', failed)).toBeNull();
    expect(misfitOf('subscriptions.updated', eventOf(subscriptionUpdated('sub_1', 1, time)))).toBeNull();
    const more = { ...failed, later: 1, data: { ...(failed['data'] as object), later: 1 } };
    expect(misfitOf('payments.failed', more)).toBeNull();
  });

  it.each<[string, object, string]>([
    ['of another type', { type: 'payments.failed.v2' }, 'the event/type must be equal to constant'],
    ['with other data', { data: {} }, "the event/data must have required property 'payment_id'"],
    ['without an instant', { time: 'yesterday' }, 'the event/time must match'],
  ])('refuses a record %s', (_, change, wanted) => {
    const event = { ...eventOf(failedRecord('pay_1', 'sub_1')), ...change };
    expect(misfitOf('payments.failed', event)).toContain(wanted);
  });

  it('takes the record that the documentation has others write, and so do our readers', () => {
    const page = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'events.md'), 'utf8');
    const [, json = '', key = ''] =
      /^echo '(\{.*\})' \|\n.* -t payments\.requested -k (\S+) /m.exec(page) ?? [];
    expect(misfitOf('payments.requested', JSON.parse(json))).toBeNull();
    const record = { headers: structured, key: Buffer.from(key), value: Buffer.from(json) };
    expect(readEnvelope('payments.requested', record).data).toMatchObject({ payment_id: key, amount: 2500 });
  });
});
