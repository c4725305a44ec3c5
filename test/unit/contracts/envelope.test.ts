import packageJson from '../../../package.json';
import { productVersion } from '../../../contracts/version';
import { CloudEvent, Kafka } from 'cloudevents';
import {
  readEnvelope,
  UnreadableEvent,
  writeEnvelope,
  type NewEvent,
} from '../../../contracts/topics/envelope';
import { someTrace } from '../../support/trace';

const completed: NewEvent<'payments.completed'> = {
  topic: 'payments.completed',
  id: 'pay_a/attempt/1/completed',
  source: '/payment-service',
  subject: 'pay_a',
  key: 'sub_a',
  trace: someTrace,
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
const key = Buffer.from('sub_a');
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

/** The JSON object with a field that is `depth` arrays deep. */
function nested(json: string, depth: number): Buffer {
  return Buffer.from(json.replace('{', `{"extra":${'['.repeat(depth)}${']'.repeat(depth)},`));
}

describe('an event', () => {
  it('is a valid CloudEvent in structured mode that reads back as it was written', () => {
    const value = writeEnvelope(completed, time);
    expect(new CloudEvent(JSON.parse(value) as object).validate()).toBe(true);
    const read = readEnvelope('payments.completed', { headers, key, value: Buffer.from(value) });
    expect(read).toMatchObject({ id: completed.id, subject: 'pay_a', data: completed.data });
  });

  const traceOfRecord = (value: string) =>
    readEnvelope('payments.completed', { headers, key, value: Buffer.from(value) }).trace;

  it('carries the trace context of what it follows from', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    for (const trace of [{ traceparent }, { traceparent, tracestate: 'vendor=1' }]) {
      const value = writeEnvelope({ ...completed, trace }, time);
      expect(JSON.parse(value)).toMatchObject({ specversion: '1.0', ...trace });
      expect(traceOfRecord(value)).toEqual(trace);
    }
    expect(JSON.parse(writeEnvelope(completed, time))).not.toHaveProperty('tracestate');
  });

  it('I15: begins a trace of its own where its trace context cannot be read, the same for a repeat', () => {
    const { traceparent, ...event } = JSON.parse(writeEnvelope(completed, time)) as Record<string, unknown>;
    expect(traceparent).toBe(someTrace.traceparent);
    const begun = traceOfRecord(JSON.stringify(event));
    for (const malformed of [7, 'abc', null, ['00'], '000']) {
      expect(traceOfRecord(JSON.stringify({ ...event, traceparent: malformed, tracestate: 'a=1' }))).toEqual(
        begun,
      );
    }
    expect(traceOfRecord(JSON.stringify({ ...event, id: 'pay_a/attempt/2/completed' }))).not.toEqual(begun);
  });

  it('is read in binary mode, too', () => {
    const event = new CloudEvent(JSON.parse(writeEnvelope(completed, time)) as object);
    const message = Kafka.binary(event);
    const binary = {
      headers: message.headers as Record<string, string>,
      key,
      value: Buffer.from(JSON.stringify(completed.data)),
    };
    expect(readEnvelope('payments.completed', binary).data).toEqual(completed.data);
  });

  it('may have fields that nobody knows yet', () => {
    const event = JSON.parse(writeEnvelope(completed, time)) as { data: object };
    const value = JSON.stringify({ ...event, extra: 1, data: { ...event.data, extra: 2 } });
    expect(
      codeOf(() => readEnvelope('payments.completed', { headers, key, value: Buffer.from(value) })),
    ).toBe('readable');
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
    expect(
      codeOf(() => readEnvelope('payments.completed', { headers, key, value: Buffer.from(value) })),
    ).toBe(code);
  });

  it.each([
    [
      'bytes that are not UTF-8',
      Buffer.from(writeEnvelope(completed, time).replace('sandbox', '\u00fc'), 'latin1'),
    ],
    ['no value', null],
    ['an empty value', Buffer.alloc(0)],
    ['a megabyte of nesting', Buffer.from('['.repeat(500_000) + ']'.repeat(500_000))],
    ['nesting within an event', nested(writeEnvelope(completed, time), 40)],
    ['nesting that hides in binary mode', nested(JSON.stringify(completed.data), 40)],
  ])('that is %s is refused', (_, value) => {
    expect(codeOf(() => readEnvelope('payments.completed', { headers, key, value }))).toBe(
      'not_a_cloud_event',
    );
  });

  it('may be nested a little, and brackets within text are none', () => {
    const value = nested(writeEnvelope(completed, time).replace('sandbox', '[\\"['.repeat(40)), 20);
    expect(codeOf(() => readEnvelope('payments.completed', { headers, key, value }))).toBe('readable');
  });

  it.each([
    ['another subscription’s', Buffer.from('sub_b')],
    ['the payment’s, although it has a subscription', Buffer.from('pay_a')],
    ['missing', null],
  ])('is refused when its key is %s', (_, wrong) => {
    const value = Buffer.from(writeEnvelope(completed, time));
    expect(codeOf(() => readEnvelope('payments.completed', { headers, key: wrong, value }))).toBe(
      'key_mismatch',
    );
  });

  it('is not written under another key than its data’s', () => {
    expect(() => writeEnvelope({ ...completed, key: 'pay_a' }, time)).toThrow(/key/);
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
