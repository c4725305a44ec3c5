import packageJson from '../../../package.json';
import { productVersion } from '../../../contracts/version';
import { CloudEvent, Kafka } from 'cloudevents';
import { readEnvelope, UnreadableEvent, writeEnvelope, type NewEvent } from '../../../contracts/envelope';

const completed: NewEvent<'payments.completed'> = {
  topic: 'payments.completed',
  id: 'pay_a/attempt/1/completed',
  source: '/payment-service',
  subject: 'pay_a',
  key: 'sub_a',
  data: {
    payment_id: 'pay_a',
    kind: 'renewal',
    subscription_id: 'sub_a',
    customer_id: 'cus_a',
    period_index: 2,
    attempt: 1,
    amount: 1000,
    currency: 'EUR',
    provider: 'sandbox',
    provider_reference: 'ch_1',
    trigger: 'renewal',
    settled_by: 'answer',
    completed_at: '2027-01-01T00:00:00.000Z',
  },
};
const time = new Date('2027-01-01T00:00:01.000Z');
const headers = { 'content-type': 'application/cloudevents+json' };

function codeOf(read: () => unknown): string {
  try {
    read();
    return 'readable';
  } catch (error) {
    if (error instanceof UnreadableEvent) return error.code;
    throw error;
  }
}

describe('an event', () => {
  it('is a valid CloudEvent in structured mode that reads back as it was written', () => {
    const value = writeEnvelope(completed, time);
    expect(new CloudEvent(JSON.parse(value) as object).validate()).toBe(true);
    const read = readEnvelope('payments.completed', { headers, value });
    expect(read).toMatchObject({ id: completed.id, subject: 'pay_a', data: completed.data });
  });

  it('carries the trace context of what was asked for, and none where nobody asked', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const value = writeEnvelope({ ...completed, traceparent }, time);
    expect(JSON.parse(value)).toMatchObject({ specversion: '1.0', traceparent });
    expect(readEnvelope('payments.completed', { headers, value }).traceparent).toBe(traceparent);
    expect(JSON.parse(writeEnvelope(completed, time))).not.toHaveProperty('traceparent');
  });

  it('is read though its trace context is no text', () => {
    const event = JSON.parse(writeEnvelope(completed, time)) as object;
    const value = JSON.stringify({ ...event, traceparent: 7 });
    expect(readEnvelope('payments.completed', { headers, value }).traceparent).toBeUndefined();
  });

  it('is read in binary mode, too', () => {
    const event = new CloudEvent(JSON.parse(writeEnvelope(completed, time)) as object);
    const message = Kafka.binary(event);
    const binary = {
      headers: message.headers as Record<string, string>,
      value: JSON.stringify(completed.data),
    };
    expect(readEnvelope('payments.completed', binary).data).toEqual(completed.data);
  });

  it('may have fields that nobody knows yet', () => {
    const event = JSON.parse(writeEnvelope(completed, time)) as { data: object };
    const value = JSON.stringify({ ...event, extra: 1, data: { ...event.data, extra: 2 } });
    expect(codeOf(() => readEnvelope('payments.completed', { headers, value }))).toBe('readable');
  });

  it.each([
    ['text that is not JSON', 'not json', 'not_a_cloud_event'],
    ['JSON that is no event', '[]', 'not_a_cloud_event'],
    [
      'another topic’s event',
      writeEnvelope(completed, time).replace('completed.v1"', 'completed.v2"'),
      'unknown_type',
    ],
    ['data without a field', writeEnvelope(completed, time).replace('"amount":1000,', ''), 'invalid_data'],
    ['a fractional amount', writeEnvelope(completed, time).replace('1000', '10.5'), 'invalid_data'],
  ])('%s is refused with a stable code', (_, value, code) => {
    expect(codeOf(() => readEnvelope('payments.completed', { headers, value }))).toBe(code);
  });

  it('is refused at writing when its data breaks the schema', () => {
    const wrong = { ...completed, data: { ...completed.data, amount: 0.5 } };
    expect(() => writeEnvelope(wrong, time)).toThrow(/amount/);
  });
});

describe('the product’s version', () => {
  it('is the package’s', () => {
    expect(productVersion).toBe(packageJson.version);
  });
});
