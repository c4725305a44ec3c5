/** Commands about subscriptions and payments, with an API that only remembers what it was asked. */
import { auditCommands } from '../../../cli/commands/audit';
import type { Outcome } from '../../../cli/command';
import type { Row } from '../../../cli/output';
import { paymentCommands } from '../../../cli/commands/payments';
import { planCommands } from '../../../cli/commands/plans';
import { subscriptionCommands } from '../../../cli/commands/subscriptions';

const commands = { ...auditCommands, ...paymentCommands, ...planCommands, ...subscriptionCommands };
const asked: unknown[][] = [];
beforeEach(() => void asked.splice(0));

function run(
  name: string,
  args: string[],
  flags: Record<string, string>,
  answer: Row = {},
): Promise<Outcome> {
  const command = commands[name];
  if (command === undefined) throw new Error(`there is no ${name}`);
  const call = (...asking: unknown[]) => {
    asked.push(asking);
    return Promise.resolve(answer);
  };
  return command.run({ args, flags, isOn: () => false, call });
}

const subscription: Row = {
  id: 'sub_1',
  status: 'active',
  customer_id: 'cus_1',
  plan_id: 'gold',
  currency: 'JPY',
  amount: 1000,
  period: { index: 4, start: '2027-03-01T00:00:00.000Z', end: '2027-04-01T00:00:00.000Z', paid: false },
  created_at: '2027-01-01T00:00:00.000Z',
};
const payment: Row = {
  id: 'pay_1',
  status: 'failed',
  currency: 'EUR',
  amount: 1000,
  refunded_amount: 250,
  disputed_amount: 0,
  lost_amount: 300,
  attempts: [
    {
      number: 1,
      trigger: 'renewal',
      status: 'failed',
      failure: { code: 'insufficient_funds' },
      started_at: '2027-01-01T00:00:00.000Z',
    },
  ],
};

describe('subscriptions', () => {
  test('list asks for what was named, and shows money in units of its currency', async () => {
    const flags = { status: 'active', 'customer-id': 'cus_1', limit: '5', cursor: 'abc' };
    const { text } = await run('subscriptions list', [], flags, { data: [subscription], next_cursor: 'def' });
    expect(asked).toEqual([['GET', '/subscriptions?status=active&customer_id=cus_1&limit=5&cursor=abc']]);
    expect(text).toContain('1000 JPY');
    expect(text).toContain('4, until 2027-04-01T00:00:00.000Z, unpaid');
    expect(text).toContain('There is more: --cursor def');
    expect((await run('subscriptions list', [], {}, { data: [], next_cursor: null })).text).toBe(
      'There are none.',
    );
  });

  test('decisions carry their reason', async () => {
    const reason = 'moved';
    await run(
      'subscriptions cancel',
      ['sub_1'],
      { mode: 'period_end', refund: 'none', reason },
      subscription,
    );
    await run(
      'subscriptions pause',
      ['sub_1'],
      { 'resume-at': '2027-05-01T00:00:00Z', reason },
      subscription,
    );
    await run('subscriptions resume', ['sub_1'], { reason }, subscription);
    expect(asked).toEqual([
      ['DELETE', '/subscriptions/sub_1?mode=period_end&refund=none&reason=moved'],
      ['POST', '/subscriptions/sub_1/pause', { resume_at: '2027-05-01T00:00:00Z', reason }],
      ['POST', '/subscriptions/sub_1/resume', { reason }],
    ]);
  });
});

describe('payments', () => {
  test('show has the attempts below', async () => {
    const { text } = await run('payments show', ['pay_1'], {}, payment);
    expect(text).toMatch(/amount +10\.00 EUR/);
    expect(text).toMatch(/refunded_amount +2\.50 EUR/);
    expect(text).toMatch(/disputed_amount +0\.00 EUR\nlost_amount +3\.00 EUR/);
    expect(text).toMatch(/1 +renewal +failed +insufficient_funds/);
  });

  test('list has what is disputed or lost of any, and no such columns where nothing is', async () => {
    const page = (data: Row[]) => run('payments list', [], {}, { data, next_cursor: null });
    const other = { ...payment, id: 'pay_2', refunded_amount: 0, lost_amount: 0, disputed_amount: 0 };
    const { text } = await page([payment, { ...other, disputed_amount: 700 }]);
    expect(text).toMatch(/^ID .* AMOUNT +REFUNDED_AMOUNT +DISPUTED_AMOUNT +LOST_AMOUNT +CREATED_AT/);
    expect(text).toMatch(/pay_1 .*10\.00 EUR +2\.50 EUR +3\.00 EUR/);
    expect(text).toMatch(/pay_2 .*10\.00 EUR +7\.00 EUR/);
    expect((await page([other])).text).not.toContain('LOST_AMOUNT');
  });

  test('refund, cancel and retry ask with a reason', async () => {
    const reason = 'goodwill';
    const refund = { id: 'rfd_1', currency: 'EUR', amount: 250 };
    const { text } = await run('payments refund', ['pay_1'], { amount: '250', reason }, refund);
    expect(text).toContain('2.50 EUR');
    await run('payments cancel', ['pay_1'], { reason }, payment);
    const retried = await run(
      'retry',
      ['pay_1'],
      { reason, 'payment-method-id': 'pm_1' },
      { retry_request_id: 'rtr_1', payment },
    );
    expect(retried.text).toContain('rtr_1 is asked for');
    await run('retry-requests', ['pay_1'], { limit: '5' }, { data: [] });
    expect(asked).toEqual([
      ['POST', '/payments/pay_1/refunds', { amount: 250, reason }],
      ['POST', '/payments/pay_1/cancel', { reason }],
      ['POST', '/payments/pay_1/retry', { reason, payment_method_id: 'pm_1' }],
      ['GET', '/payments/pay_1/retry-requests?limit=5'],
    ]);
  });

  test('I16: a payment and a timeline name when it was recorded, where that is another instant', async () => {
    const recorded = '2026-11-30T08:00:00.000Z';
    const [attempt] = payment['attempts'] as Row[];
    const attempts = [{ ...attempt, started_recorded_at: recorded, finished_at: '2027-01-02T00:00:00.000Z' }];
    const { text } = await run('payments show', ['pay_1'], {}, { ...payment, attempts });
    expect(text).toMatch(/STARTED_AT +FINISHED_AT +RECORDED$/m);
    expect(text).toMatch(/2027-01-01T00:00:00.000Z +2027-01-02T00:00:00.000Z +2026-11-30T08:00:00.000Z$/m);
    const entry = { at: '2027-01-01T00:00:00.000Z', kind: 'attempt', title: 'Attempt 1', actor: null };
    const timeline = async (recorded_at: string) =>
      (await run('payments timeline', ['pay_1'], {}, { data: [{ ...entry, recorded_at }] })).text;
    expect(await timeline(recorded)).toMatch(
      /^AT +RECORDED +KIND +BY +TITLE\n\S+ +2026-11-30T08:00:00.000Z +attempt/,
    );
    expect(await timeline('2027-01-01T00:00:02.000Z')).toMatch(/^AT +KIND +BY +TITLE\n/);
  });

  test('timelines show who and why', async () => {
    const entry = {
      at: '2027-01-01T00:00:00.000Z',
      kind: 'operator_action',
      title: 'Retry asked for: she called',
      actor: { kind: 'api_key', id: 'key_1', reason: 'she called' },
    };
    for (const path of ['payments', 'subscriptions']) {
      const omitted = [{ scope: 'payments:read', types: ['attempt', 'refund'] }];
      const { text } = await run(`${path} timeline`, ['x_1'], { limit: '50' }, { data: [entry], omitted });
      expect(text).toMatch(/operator_action +key_1 +Retry asked for: she called \(she called\)/);
      expect(text).toContain('Not shown, as the key lacks the scope payments:read: attempt, refund');
    }
    expect(asked).toEqual([
      ['GET', '/payments/x_1/timeline?limit=50'],
      ['GET', '/subscriptions/x_1/timeline?limit=50'],
    ]);
  });
});

test('plans and the audit log are listed', async () => {
  const plan = { id: 'gold', currency: 'EUR', amount: 1000, interval: { unit: 'month', count: 3 } };
  expect((await run('plans list', [], {}, { data: [plan] })).text).toMatch(/10\.00 EUR +3 months/);
  const call = { action: 'POST /plans', actor: { id: 'key_1', reason: 'because' }, status: 201 };
  const { text } = await run('audit', [], { subject: 'gold', actor: 'key_1' }, { data: [call] });
  expect(text).toMatch(/key_1 +POST \/plans +- +201 +because/);
  expect(asked.at(-1)).toEqual(['GET', '/audit?subject=gold&actor=key_1']);
});

describe('nothing is asked when', () => {
  test.each([
    ['subscriptions cancel', ['sub_1'], {}, '--reason is missing'],
    [
      'subscriptions cancel',
      ['sub_1'],
      { reason: 'x', mode: 'soon' },
      '--mode must be one of now, period_end',
    ],
    ['subscriptions cancel', [], { reason: 'x' }, 'the id is missing'],
    [
      'subscriptions pause',
      ['sub_1'],
      { reason: 'x', 'resume-at': 'May' },
      '--resume-at must be an RFC 3339',
    ],
    ['subscriptions list', [], { status: 'alive' }, '--status must be one of scheduled'],
    ['subscriptions list', [], { limit: '0' }, '--limit must be a whole number from 1 to 100'],
    ['payments list', [], { category: 'odd' }, '--category must be one of soft'],
    ['payments list', [], { from: 'yesterday' }, '--from must be an RFC 3339'],
    ['payments refund', ['pay_1'], { reason: 'x', amount: '2.50' }, '--amount must be a whole number'],
    ['payments refund', ['pay_1'], {}, '--reason is missing'],
    ['payments timeline', ['pay_1'], { limit: '1000' }, '--limit must be a whole number'],
    ['retry', ['pay_1'], {}, '--reason is missing'],
  ] as [string, string[], Record<string, string>, string][])(
    '%s %j %j',
    async (name, args, flags, message) => {
      await expect(run(name, args, flags)).rejects.toThrow(message);
      expect(asked).toEqual([]);
    },
  );
});
