/** Commands about the ledger, with an API that only remembers what it was asked. */
import { ledgerCommands } from '../../../cli/commands/ledger';
import type { Row } from '../../../cli/output';

const asked: unknown[][] = [];
beforeEach(() => void asked.splice(0));

async function run(
  name: string,
  args: string[],
  flags: Record<string, string>,
  answer: Row,
): Promise<string> {
  const command = ledgerCommands[name];
  if (command === undefined) throw new Error(`there is no ${name}`);
  const call = (...asking: unknown[]) => {
    asked.push(asking);
    return Promise.resolve(answer);
  };
  const outcome = await command.run({ args, flags, isOn: () => false, call });
  expect(outcome.answer).toBe(answer);
  return outcome.text;
}

const answer: Row = {
  data: [
    {
      id: 'sub_1/ended',
      kind: 'subscription_ended',
      at: '2027-01-30T00:00:00.000Z',
      currency: 'EUR',
      entries: [
        { account: 'credit', owner: 'subscription', source: 'pay_1', amount: 500 },
        { account: 'credit', owner: 'customer', source: 'pay_1', amount: -500 },
      ],
    },
  ],
  next_cursor: 'def',
};

test('the ledger has an entry a line, debit and credit apart', async () => {
  const text = await run('ledger subscription', ['sub_1'], { limit: '5' }, answer);
  const [header, first, second, more] = text.split('\n');
  expect(header).toMatch(/^AT +KIND +ACCOUNT +SOURCE +DEBIT +CREDIT +TRANSACTION$/);
  expect(first).toMatch(
    /^2027-01-30T00:00:00.000Z +subscription_ended +credit +pay_1 +5\.00 EUR +sub_1\/ended$/,
  );
  expect(second).toMatch(/^ +credit \(customer\) +pay_1 +5\.00 EUR$/);
  expect(more).toBe('There is more: --cursor def');
  await run('ledger customer', ['cus/1'], {}, answer);
  expect(asked).toEqual([
    ['GET', '/subscriptions/sub_1/ledger?limit=5'],
    ['GET', '/customers/cus%2F1/ledger'],
  ]);
});

test('I16: the ledger names when a transaction was recorded, where that is another instant', async () => {
  const data = (answer['data'] as Row[]).map((row) => ({ ...row, recorded_at: '2026-11-30T08:00:00.000Z' }));
  const text = await run('ledger customer', ['cus_1'], {}, { ...answer, data });
  expect(text).toMatch(
    /^AT +RECORDED +KIND .*\n2027-01-30T00:00:00.000Z +2026-11-30T08:00:00.000Z +subscription_ended/,
  );
});

test('the balance shows credit by source, then the subscriptions', async () => {
  const amounts = { receivable: 0, unearned: 1_000, credit: 250, credit_held: 0 };
  const text = await run(
    'ledger balance',
    ['cus_1'],
    {},
    {
      credit: [{ currency: 'JPY', amount: 700, sources: [{ source: 'grant/t1', amount: 700 }] }],
      subscriptions: [{ subscription_id: 'sub_1', status: 'active', currency: 'EUR', ...amounts }],
    },
  );
  expect(text).toMatch(/grant\/t1 +700 JPY/);
  expect(text).toMatch(/sub_1 +active +0\.00 EUR +10\.00 EUR +2\.50 EUR +0\.00 EUR/);
  const own = [
    { source: 'grant/t1', amount: 700, disputed: false },
    { source: 'pay_1', amount: 300, disputed: true },
  ];
  const disputed = await run(
    'ledger balance',
    ['cus_1'],
    {},
    {
      credit: [{ currency: 'EUR', amount: 1_000, disputed: 300, sources: own }],
      refunding: [{ currency: 'EUR', amount: 400, sources: [{ source: 'pay_2', amount: 400 }] }],
      subscriptions: [
        { subscription_id: 'sub_1', status: 'active', currency: 'EUR', ...amounts, credit_disputed: 200 },
      ],
    },
  );
  expect(disputed).toMatch(/grant\/t1 +7\.00 EUR\npay_1 +3\.00 EUR +disputed: not used/);
  expect(disputed).toMatch(/Reserved to go back, and not paid yet:\n.*\npay_2 +4\.00 EUR/);
  expect(disputed).toMatch(/CREDIT_DISPUTED\nsub_1 .* 2\.00 EUR$/);
  const nothing = await run('ledger balance', ['cus_1'], {}, { credit: [], subscriptions: [] });
  expect(nothing).toBe('No credit of their own.\n\nNo living subscription.');
});

test('a payout shows what goes back through which payment', async () => {
  const flags = { currency: 'EUR', reason: 'moves away' };
  const refunds = [{ id: 'rfd_1', payment_id: 'pay_1', amount: 400, currency: 'EUR', status: 'pending' }];
  const made = { id: 'pyo_1', amount: 400, credit: 600, refunds };
  const text = await run('ledger payout', ['cus_1'], flags, made);
  expect(text).toMatch(/^pyo_1: 4.00 EUR go back; the customer has 6.00 EUR of credit now\.\n/);
  expect(text).toMatch(/rfd_1 +pay_1 +4\.00 EUR +pending/);
  await run('ledger payout', ['cus_1'], { ...flags, amount: '400' }, made);
  expect(asked).toEqual([
    ['POST', '/customers/cus_1/payouts', { currency: 'EUR', reason: 'moves away' }],
    ['POST', '/customers/cus_1/payouts', { currency: 'EUR', amount: 400, reason: 'moves away' }],
  ]);
  await expect(run('ledger payout', ['cus_1'], { currency: 'EUR' }, made)).rejects.toThrow(
    '--reason is missing',
  );
});

test('credit is granted and taken back with a reason', async () => {
  const flags = { amount: '250', currency: 'EUR', reason: 'goodwill' };
  const made = { id: 'crd_1', credit: 1_250 };
  const text = await run('ledger grant', ['cus_1'], flags, made);
  expect(text).toBe('crd_1: the customer has 12.50 EUR of credit now.');
  await run('ledger correct', ['cus_1'], flags, made);
  expect(asked).toEqual([
    ['POST', '/customers/cus_1/credits', { amount: 250, currency: 'EUR', reason: 'goodwill' }],
    ['POST', '/customers/cus_1/credits', { amount: -250, currency: 'EUR', reason: 'goodwill' }],
  ]);
  for (const name of ['amount', 'currency', 'reason']) {
    const others = Object.fromEntries(Object.entries(flags).filter(([given]) => given !== name));
    await expect(run('ledger grant', ['cus_1'], others, made)).rejects.toThrow(`--${name} is missing`);
  }
});
