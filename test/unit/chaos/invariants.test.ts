/** The judges of the fault tests: each sees what it is there for. */
import type { Facts } from '../../chaos/facts';
import { violationsOf } from '../../chaos/invariants';
import { idleFacts } from './quiet-facts';

const facts = (harm: (facts: Facts) => void): Facts => {
  const harmed = idleFacts();
  harm(harmed);
  return harmed;
};

const first = <T>(list: T[]): T => list[0]!;

test('a system at rest violates nothing', () => {
  expect(violationsOf(idleFacts())).toEqual([]);
});

test('an event that Kafka holds twice violates nothing, when the order of its key begins right', () => {
  const repeated = facts(({ records }) => {
    records.push({ ...records[1]!, offset: 2 }, { ...records[2]!, offset: 3 });
  });
  expect(violationsOf(repeated)).toEqual([]);
});

describe('an attempt that was declined and succeeded late', () => {
  /** The first attempt of pay_4 instead of its second one. */
  const late = (reported: 'failed before' | 'completed alone') =>
    facts((known) => {
      Object.assign(known.charges[3]!, { token: 'tok_declined_then_late_ok', status: 'succeeded' });
      Object.assign(known.attempts[3]!, { status: 'completed' });
      known.charges.pop();
      known.attempts.pop();
      Object.assign(known.deliveries[4]!, { reference: 'ch_4' });
      const id = 'pay_4/attempt/1/completed';
      const value = JSON.stringify({ id, data: {} });
      Object.assign(known.records[6]!, { event: { id, data: {} }, value });
      Object.assign(known.outbox[6]!, { event_id: id, payload: value });
      if (reported === 'failed before') return;
      known.records.splice(5, 1);
      known.outbox.splice(5, 1);
    });

  test.each(['failed before', 'completed alone'] as const)('violates nothing, told as %s', (reported) => {
    expect(violationsOf(late(reported))).toEqual([]);
  });
});

test.each<[string, string, (facts: Facts) => void]>([
  [
    'a row that was never published',
    'every committed event is on Kafka where its row says: sub_1/v1 is not published',
    ({ outbox }) => Object.assign(first(outbox), { published: false }),
  ],
  [
    'a row that names the place of another',
    'every committed event is on Kafka where its row says: sub_1/v3 says subscriptions.updated/0/0, where sub_1/v2 is',
    ({ outbox }) => Object.assign(outbox[2]!, { offset: 0 }),
  ],
  [
    'a record that is lost',
    'every committed event is on Kafka where its row says: sub_2/v2 says subscriptions.cancelled/1/0, where nothing is',
    ({ records }) => void records.splice(4, 1),
  ],
  [
    'a record that nobody committed',
    'nothing is on Kafka that was not committed: subscriptions.updated/0/7 holds sub_1/v9, which was never committed so',
    ({ records }) => void records.push({ ...records[1]!, offset: 7, event: { id: 'sub_1/v9', data: {} } }),
  ],
  [
    'a record that its schema does not know so',
    'every record is of its published schema: subscriptions.created/0/0 holds sub_1/v1: the event must be object',
    ({ records }) => Object.assign(first(records), { misfit: 'the event must be object' }),
  ],
  [
    'a key whose events changed places',
    'the events of a key are in the order of their commits: sub_1/v3 came before sub_1/v2',
    ({ records, outbox }) => {
      Object.assign(records[1]!, { offset: 1 });
      Object.assign(records[2]!, { offset: 0 });
      Object.assign(outbox[1]!, { offset: 1 });
      Object.assign(outbox[2]!, { offset: 0 });
    },
  ],
  [
    'a key on two partitions',
    'the events of a key are in the order of their commits: sub_1/v3 is on partition 5, sub_1/v2 on 0',
    ({ records, outbox }) => {
      Object.assign(records[2]!, { partition: 5 });
      Object.assign(outbox[2]!, { partition: 5 });
    },
  ],
  [
    'a version that analytics missed',
    'each version has one effect in analytics: missing: sub_1 v1 active',
    ({ revenue }) => void revenue.shift(),
  ],
  [
    'an open first payment that was not announced',
    'each open first payment is announced once: missing: pay_1',
    ({ records }) => {
      first(records).event!.data['first_payment'] = { payment_id: 'pay_1', status: 'pending' };
    },
  ],
  [
    'an announced outcome that is not told',
    'each announced outcome is told once: missing: payments.completed pay_1/attempt/1/completed',
    ({ payments }) => Object.assign(first(payments), { announced: true }),
  ],
  [
    'a good record among the dead letters',
    'dead letters are the injected poison: too many: payment-service subscriptions.created/0/0',
    ({ letters, deadRecords }) => {
      const letter = { group: 'payment-service', topic: 'subscriptions.created', partition: 0, offset: 0 };
      letters.push(letter);
      deadRecords.push(letter);
    },
  ],
  [
    'a poison record that was swallowed',
    'dead letters are the injected poison: missing: analytics-service subscriptions.updated/2/0',
    ({ letters, deadRecords }) => {
      letters.pop();
      deadRecords.pop();
    },
  ],
  [
    'a dead letter that is not on its topic',
    'every dead letter is on its topic: missing: analytics-service subscriptions.updated/2/0',
    ({ deadRecords }) => void deadRecords.pop(),
  ],
  [
    'a payment whose money was taken twice',
    'a period is charged at most once: period 1 of sub_1 was paid 2 times',
    ({ charges, attempts }) => {
      charges.push({ ...first(charges), id: 'ch_9', idempotency_key: 'pay_1/2' });
      const second = { number: 2, idempotency_key: 'pay_1/2', provider_reference: 'ch_9' };
      attempts.push({ ...first(attempts), ...second });
    },
  ],
  [
    'a charge that we know nothing of',
    'attempts equal the provider’s list: charge ch_9 belongs to no attempt',
    ({ charges }) => void charges.push({ ...charges[2]!, id: 'ch_9', idempotency_key: 'pay_9/1' }),
  ],
  [
    'another amount at the provider',
    'attempts equal the provider’s list: pay_1/1: the provider says completed 1001 EUR ch_1, we say completed 1000 EUR ch_1',
    ({ charges }) => Object.assign(first(charges), { amount: 1001 }),
  ],
  [
    'a payment that is completed without money',
    'payments equal their attempts: pay_3 is completed, and its attempts say otherwise',
    ({ payments }) => Object.assign(payments[2]!, { status: 'completed' }),
  ],
  [
    'a refund that the provider never made',
    'refunds equal the provider’s: too many: re_1 succeeded 1000 EUR',
    ({ refundsAtProvider }) => void refundsAtProvider.pop(),
  ],
  [
    'a payment of which too much was given back',
    'payments equal what was given back: pay_2 of 1000 is refunded, and 2000 was given back',
    ({ refunds }) => void refunds.push({ ...first(refunds), idempotency_key: 'refund/2' }),
  ],
  [
    'a payment that is refunded without a refund',
    'payments equal what was given back: pay_2 of 1000 is refunded, and 0 was given back',
    ({ refunds }) => void refunds.pop(),
  ],
  [
    'a charge after the end',
    'no charge is begun after a cancellation: pay_2/1 was begun at 2026-01-01T00:00:10.000Z, after 2026-01-01T00:00:09.000Z',
    ({ attempts }) => Object.assign(attempts[1]!, { started_at: new Date('2026-01-01T00:00:10Z') }),
  ],
  [
    'a payment that hangs',
    'no payment stays open: pay_3 is pending',
    ({ payments }) => Object.assign(payments[2]!, { status: 'pending' }),
  ],
  [
    'life after the end',
    'every change of state is legal: sub_2 v3: cancelled became active',
    ({ changes }) => void changes.splice(5, 0, { ...changes[4]!, version: 3, status: 'active' }),
  ],
  [
    'a version that is missing',
    'every change of state is legal: sub_1 has no version before 3',
    ({ changes }) => void changes.splice(1, 1),
  ],
  [
    'a row without its history',
    'every row is what its history ends with: sub_1 is v4 active, its history ends with v3 active',
    ({ subscriptions }) => Object.assign(first(subscriptions), { version: 4 }),
  ],
  [
    'a subscription without its process',
    'a process runs exactly for what lives: subscription/sub_1 does not run',
    ({ workflows }) => Object.assign(first(workflows), { status: 'COMPLETED' }),
  ],
  [
    'an open attempt that is not followed up',
    'a process runs exactly for what lives: payment/pay_3 does not run',
    ({ attempts }) => Object.assign(attempts[2]!, { status: 'pending' }),
  ],
  [
    'a process that outlives its subscription',
    'a process runs exactly for what lives: subscription/sub_2 still runs',
    ({ workflows }) => Object.assign(workflows[1]!, { status: 'RUNNING' }),
  ],
  [
    'a process that failed',
    'a process runs exactly for what lives: payment/pay_2 is FAILED',
    ({ workflows }) => Object.assign(workflows[3]!, { status: 'FAILED' }),
  ],
  [
    'a process that somebody else terminated',
    'a process runs exactly for what lives: payment/pay_2 is TERMINATED',
    ({ workflows }) => Object.assign(workflows[3]!, { status: 'TERMINATED' }),
  ],
  [
    'an order that was told paid and is not',
    'orders are as their callers were told: tok_stolen was told 201, and sub_3 is expired',
    ({ reported }) => Object.assign(reported.orders[2]!, { status: 201 }),
  ],
  [
    'an order that was answered with a fault',
    'orders are as their callers were told: tok_ok was told 500, and null is not there',
    ({ reported }) => Object.assign(first(reported.orders), { status: 500, subscriptionId: null }),
  ],
  [
    'two subscriptions of one order',
    'orders are as their callers were told: 1 orders made 2 subscriptions of cus_1',
    ({ subscriptions }) => Object.assign(subscriptions[1]!, { customer_id: 'cus_1' }),
  ],
  [
    'a cancellation that was told and is not there',
    'cancellations are as their callers were told: sub_1 was told 200 and is active',
    ({ reported }) => void reported.cancellations.push({ subscriptionId: 'sub_1', status: 200, mode: 'now' }),
  ],
  [
    'a webhook that never came',
    'each webhook of the provider was taken once: missing: charge.succeeded ch_1',
    ({ deliveries }) => void deliveries.shift(),
  ],
  [
    'a webhook that came twice',
    'each webhook of the provider was taken once: twice: charge.succeeded ch_1',
    ({ deliveries }) => void deliveries.push(first(deliveries)),
  ],
  [
    'a webhook of which nothing became',
    'each webhook that was taken was used: charge.succeeded ch_1 is stored: null',
    ({ deliveries }) => Object.assign(first(deliveries), { status: 'stored' }),
  ],
  [
    'a payment that was told and is not there',
    'payments are as their callers were told: pay_9 was told 202 and is not there',
    ({ reported }) => void reported.payments.push({ customer: 'cus_9', paymentId: 'pay_9', status: 202 }),
  ],
  [
    'two payments of one wish',
    'payments are as their callers were told: one wish made 2 payments of cus_4',
    ({ payments }) => Object.assign(first(payments), { customer_id: 'cus_4' }),
  ],
  [
    'a retry that was told and is not there',
    'retries are as their callers were told: a retry of pay_4 was told 202 and is not there',
    ({ retryRequests }) => void retryRequests.pop(),
  ],
  [
    'an open entity that nobody looks at again',
    'every open entity has a next look: subscription that is never due: sub_1',
    ({ withoutNextLook }) => void withoutNextLook.push('subscription that is never due: sub_1'),
  ],
  [
    'a call that was answered with a fault',
    'no call is answered with a fault: PUT /subscriptions/sub_1: 500',
    ({ reported }) => void reported.faults.push('PUT /subscriptions/sub_1: 500'),
  ],
  [
    'a refund of somebody else',
    'refunds equal the provider’s: refund/7 is no refund of ours',
    ({ refundsAtProvider }) => Object.assign(first(refundsAtProvider), { idempotency_key: 'refund/7' }),
  ],
  [
    'a dispute that nobody heard of',
    'each webhook of the provider was taken once: missing: dispute.lost dp_1',
    ({ disputesAtProvider }) => Object.assign(first(disputesAtProvider), { status: 'lost' }),
  ],
  [
    'a payment under dispute that does not say so',
    'payments equal what was given back: pay_1 of 1000 is completed, and 0 was given back',
    ({ ledger }) => Object.assign(first(ledger.payments), { disputed_amount: 300 }),
  ],
])('%s is seen', (_, line, harm) => {
  expect(violationsOf(facts(harm))).toContain(line);
});
