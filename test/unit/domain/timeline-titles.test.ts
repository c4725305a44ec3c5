import { moneyText } from '../../../domain/money';
import { failure } from '../../../domain/payment/payment';
import { changeTitle, dayText, type TitledSubscription } from '../../../domain/timeline/changes';
import * as titles from '../../../domain/timeline/titles';

describe('moneyText', () => {
  it.each([
    [1000, 'EUR', '10.00 EUR'],
    [5, 'EUR', '0.05 EUR'],
    [-1050, 'EUR', '-10.50 EUR'],
    [0, 'EUR', '0.00 EUR'],
    [1000, 'JPY', '1000 JPY'],
    [1234, 'KWD', '1.234 KWD'],
    [999_999_999_999_999, 'EUR', '9999999999999.99 EUR'],
  ])('%i of %s is %s', (amount, currency, text) => {
    expect(moneyText(amount, currency)).toBe(text);
  });
});

describe('an attempt', () => {
  const attempt = { number: 2, amount: 1000, currency: 'EUR', failure: null };
  it.each([
    ['completed', 'Attempt 2 took 10.00 EUR'],
    ['processing', 'Attempt 2 began'],
    ['requires_action', 'Attempt 2 waits for the customer'],
    ['pending', 'Attempt 2 waits for the provider'],
    ['unknown', 'Attempt 2 has no known outcome'],
  ] as const)('that is %s', (status, title) => {
    expect(titles.attemptTitle({ ...attempt, status })).toBe(title);
  });

  it.each([
    ['insufficient_funds', 'Attempt 2 declined: insufficient funds (soft)'],
    ['stolen_or_lost', 'Attempt 2 declined: stolen or lost (hard)'],
    ['processing_error', 'Attempt 2 failed: processing error (soft)'],
    ['invalid_payment_method', 'Attempt 2 failed: invalid payment method (hard)'],
    ['authentication_required', 'Attempt 2 declined: authentication required'],
    ['not_completed', 'Attempt 2 was not completed'],
  ] as const)('that failed with %s', (code, title) => {
    expect(titles.attemptTitle({ ...attempt, status: 'failed', failure: failure(code, 'No.') })).toBe(title);
  });
});

describe('events', () => {
  const event = { topic: 'payments.failed', event_id: 'pay_1/attempt/1/failed' };
  it('say where they are', () => {
    const published = { ...event, partition: 3, offset: '17', parked: false };
    expect(titles.eventTitle(published)).toBe('Event payments.failed is on partition 3 at offset 17');
    const fresh = { ...event, partition: null, offset: null };
    expect(titles.eventTitle({ ...fresh, parked: false })).toBe('Event payments.failed is to be published');
    expect(titles.eventTitle({ ...fresh, parked: true })).toBe(
      'Event payments.failed was refused by Kafka and waits for an operator',
    );
  });

  it('that ask for a notification name its template', () => {
    const asked = {
      topic: 'notifications.requested',
      event_id: 'payment_failed/pay_1/attempt/1',
      partition: 1,
      offset: '0',
      parked: false,
    };
    expect(titles.eventTitle(asked)).toBe('Notification payment failed asked for');
  });
});

describe('what is planned and decided', () => {
  const at = '2027-03-01T09:00:00.000Z';
  it.each([
    ['attempt', 'Next attempt planned for 2027-03-01 09:00 UTC: why'],
    ['wait_for_payment_method', 'Waiting for another payment method until 2027-03-01 09:00 UTC: why'],
    ['wait_for_customer', 'Waiting for the customer until 2027-03-01 09:00 UTC: why'],
    ['exhausted', 'No further attempt; leave past due at 2027-03-01 09:00 UTC: why'],
  ] as const)('%s', (kind, title) => {
    const final_action = kind === 'exhausted' ? 'leave_past_due' : null;
    expect(titles.planTitle({ kind, at, reason: 'why', final_action })).toBe(title);
  });

  it('names calls, wishes, tasks, refunds and webhooks', () => {
    const action = 'POST /payments/{payment_id}/retry';
    expect(titles.callTitle(action, 202, null)).toBe(`${action} answered 202`);
    expect(titles.callTitle(action, 409, 'payment_not_retryable')).toBe(
      `${action} refused with 409: payment not retryable`,
    );
    expect(titles.retryRequestTitle('the customer called', null)).toBe(
      'Retry asked for: the customer called',
    );
    expect(titles.retryRequestTitle('they called', '/crm')).toBe('Retry asked for by /crm: they called');
    expect(titles.recordTitle('payments.requested', '/crm')).toBe(
      'Record of /crm on payments.requested accepted',
    );
    expect(titles.retryRefusalTitle('budget_exhausted')).toBe('Retry refused: budget exhausted');
    expect(titles.taskTitle('unknown_outcome', 'Look.')).toBe(
      'A person is asked about unknown outcome: Look.',
    );
    expect(titles.webhookTitle('sandbox', 'charge.failed', null)).toBe(
      'Webhook charge.failed from sandbox: not yet looked at',
    );
  });
});

const refund = { amount: 500, currency: 'EUR', reason: 'goodwill_x', failure: null, isGivenUp: false };
it.each([
  [{ status: 'pending' }, 'Refund of 5.00 EUR pending: goodwill_x'],
  [{ status: 'succeeded' }, 'Refund of 5.00 EUR succeeded: goodwill_x'],
  [
    { status: 'failed', failure: 'insufficient_funds' },
    'Refund of 5.00 EUR failed (insufficient funds), its money stays reserved; it was asked for as: goodwill_x',
  ],
  [
    { status: 'failed', failure: 'operator', isGivenUp: true },
    'Refund of 5.00 EUR failed (found failed by a person), it is given up; it was asked for as: goodwill_x',
  ],
] as const)('a refund that is %j', (more, title) => {
  expect(titles.refundTitle({ ...refund, ...more })).toBe(title);
});

const resolution = { byPerson: true, reason: 'the provider has paid the refund', outcome: null };
it.each([
  ['dispute', null, 'A person decided about dispute'],
  ['dispute', resolution, 'A person decided about dispute'],
  [
    'unknown_outcome',
    { ...resolution, outcome: 'succeeded' },
    'A person decided about unknown outcome: succeeded',
  ],
  [
    'refund_failed',
    { ...resolution, byPerson: false },
    'The question about refund failed has answered itself: the provider has paid the refund',
  ],
] as const)('the answer to %s of %j', (kind, answer, title) => {
  expect(titles.resolutionTitle(kind, answer)).toBe(title);
});

describe('a change of a subscription', () => {
  const now: TitledSubscription = {
    version: 5,
    status: 'active',
    plan_id: 'silver',
    quantity: 2,
    time_zone: 'America/New_York',
    period: { index: 4, start: '2027-03-01T04:00:00.000Z', end: '2027-04-01T04:00:00.000Z', paid: false },
    cancel_at: null,
    resume_at: null,
    pending_change: null,
  };
  const earlier = { index: 3, start: '', end: '', paid: true };
  const [atEnd, paid] = [{ effective: 'period_end' }, { effective: 'when_paid' }];

  it('that opens a period names it by the days of its zone', () => {
    expect(dayText('2027-03-01T04:00:00.000Z', 'America/New_York')).toBe('28 Feb 2027');
    expect(changeTitle([], { period: earlier }, now)).toBe('Period 4 opened: 28 Feb 2027 – 1 Apr 2027');
    expect(changeTitle(['trial_ended'], { period: earlier }, now)).toBe(
      'Trial ended; Period 4 opened: 28 Feb 2027 – 1 Apr 2027',
    );
    const trial = { ...now, period: { ...now.period!, index: 0 } };
    expect(changeTitle(['created'], {}, trial)).toBe(
      'Created: active; Trial opened: 28 Feb 2027 – 1 Apr 2027',
    );
  });

  it('that only pays it opens none', () => {
    expect(changeTitle(['renewed', 'recovered'], { period: { ...earlier, index: 4 } }, now)).toBe(
      'Period 4 paid; Recovered from past due',
    );
  });

  it.each([
    [['past_due'], {}, {}, 'Past due: period 4 is not paid'],
    [['plan_changed'], { plan_id: 'gold' }, {}, 'Plan changed from gold to silver'],
    [['quantity_changed'], { quantity: 1 }, {}, 'Quantity changed from 1 to 2'],
    [['change_scheduled'], {}, { pending_change: atEnd }, 'A change waits for the end of the period'],
    [
      ['change_scheduled'],
      { pending_change: atEnd },
      { pending_change: paid },
      'A change waits for its payment',
    ],
    [['change_scheduled'], { pending_change: atEnd }, {}, 'The waiting change was dropped'],
    [
      ['change_scheduled'],
      { pending_change: paid },
      {},
      'The change that waited for its payment was dropped',
    ],
    [
      ['change_scheduled'],
      { pending_change: paid },
      { pending_change: atEnd },
      'The change that waited for its payment was dropped; the one before waits again',
    ],
    [['paused'], {}, {}, 'Paused'],
    [['paused'], {}, { resume_at: '2027-05-01T12:00:00.000Z' }, 'Paused until 1 May 2027'],
    [
      ['cancellation_scheduled'],
      {},
      { cancel_at: '2027-05-01T12:00:00.000Z' },
      'Cancellation scheduled for 1 May 2027',
    ],
    [['cancelled'], {}, {}, 'Cancelled'],
    [[], {}, {}, 'Version 5'],
  ] as const)('%j', (changes, previous, also, title) => {
    expect(changeTitle(changes, previous, { ...now, ...also })).toBe(title);
  });
});
