/** The judges of the money: each sees what it is there for. */
import type { LedgerFacts } from '../../chaos/ledger-facts';
import { ledgerInvariants, moneyViolations } from '../../chaos/invariants/ledger';
import { idleLedger } from './quiet-ledger';

test('money at rest violates nothing', () => {
  expect(moneyViolations(idleLedger())).toEqual([]);
});

test('a first period whose payment went back before it opened needs no transaction', () => {
  const ledger = idleLedger();
  const { transactions, entries, states, refunds } = ledger;
  Object.assign(transactions[1]!, { id: 'rfd_1/reserved', kind: 'refund_reserved', refund_id: 'rfd_1' });
  Object.assign(entries[2]!, { transaction_id: 'rfd_1/reserved' });
  Object.assign(entries[3]!, { transaction_id: 'rfd_1/reserved', account: 'refunding' });
  transactions.splice(2, 1);
  entries.splice(4, 3);
  Object.assign(states[0]!, { balance: 0, ledger_state: { ...states[0]!.ledger_state!, funds: [] } });
  refunds.push({ id: 'rfd_1', payment_id: 'pay_1', status: 'pending', amount: 1000, released: false });
  expect(moneyViolations(ledger)).toEqual([]);
});

describe('money under dispute that is not applied', () => {
  const disputed = (harm: (ledger: LedgerFacts) => void): string[] => {
    const ledger = idleLedger();
    Object.assign(ledger.payments[1]!, { unapplied_amount: 7 });
    ledger.disputes.push({ ...ledger.disputes[0]!, id: 'dsp_2', payment_id: 'pay_2' });
    harm(ledger);
    return moneyViolations(ledger).filter((line) => line.startsWith('all that was collected'));
  };
  const violation = 'all that was collected is applied: 7 of pay_2, which is completed';

  test.each<[string, string[], (ledger: LedgerFacts) => void]>([
    ['waits for the bank, since its subscription has ended', [], () => undefined],
    [
      'waits for the bank, since it was for a change',
      [],
      ({ payments }) => Object.assign(payments[1]!, { kind: 'proration', subscription_id: 'sub_1' }),
    ],
    [
      'is a violation while its subscription lives',
      [violation],
      ({ states }) => Object.assign(states[1]!, { status: 'active' }),
    ],
    [
      'is a violation once the dispute is decided',
      [violation],
      ({ disputes }) => Object.assign(disputes[1]!, { status: 'won' }),
    ],
    [
      'is a violation where another payment is disputed',
      [violation],
      ({ disputes }) => Object.assign(disputes[1]!, { payment_id: 'pay_9' }),
    ],
  ])('%s', (_, expected, harm) => {
    expect(disputed(harm)).toEqual(expected);
  });
});

const without = (list: { id: string }[], id: string): void =>
  void list.splice(
    list.findIndex((one) => one.id === id),
    1,
  );

const faults: [string, string, (ledger: LedgerFacts) => void][] = [
  [
    'an entry that is lost',
    'each transaction sums to zero, source by source: sub_2/period/1 in EUR of pay_2 sums to 1000',
    ({ entries }) => void entries.splice(10, 1),
  ],
  [
    'a transaction without entries',
    'each transaction sums to zero, source by source: sub_9/ended has no entries',
    ({ transactions }) => void transactions.push({ ...transactions[0]!, id: 'sub_9/ended' }),
  ],
  [
    'credit of a state that no entry gave',
    'states equal the sums of entries: sub_1: credit of pay_1 is 501, its entries say 500',
    ({ states }) => {
      Object.assign(states[0]!, { balance: -501 });
      Object.assign(states[0]!.ledger_state!.funds[0]!, { credit: 501 });
    },
  ],
  [
    'entries that the state has not heard of',
    'states equal the sums of entries: sub_2: receivable of owed is 0, its entries say 5',
    ({ entries }) =>
      void entries.push(
        {
          ...entries[0]!,
          transaction_id: 'sub_2/ended',
          account: 'receivable',
          source: 'owed',
          amount: 5,
          subscription_id: 'sub_2',
        },
        {
          ...entries[0]!,
          transaction_id: 'sub_2/ended',
          account: 'earned',
          source: 'owed',
          amount: -5,
          subscription_id: 'sub_2',
        },
      ),
  ],
  [
    'a balance beside its state',
    'states are whole: sub_1: balance is 0, its state says -500',
    ({ states }) => Object.assign(states[0]!, { balance: 0 }),
  ],
  [
    'an ended subscription that keeps money',
    'states are whole: sub_1 is expired, and pay_1 stands at something',
    ({ states }) => Object.assign(states[0]!, { status: 'expired' }),
  ],
  [
    'credit of a customer that no entry gave',
    'customers’ credit equals the sums of entries: credit of cus_1 EUR of pay_2 is 400, its entries say 300',
    ({ customerBalances }) =>
      Object.assign(customerBalances[0]!, { credit: 400, funds: [{ source: 'pay_2', amount: 400 }] }),
  ],
  [
    'a refund that the ledger has not heard of',
    'cash of each payment is what the provider holds: pay_1 EUR: we have 1000, the provider holds 999',
    ({ atProvider }) => Object.assign(atProvider![0]!, { held: 999 }),
  ],
  [
    'a charge that nobody collected',
    'cash in total is what the provider holds: EUR: we have 1500, the provider holds 1600',
    ({ atProvider }) => void atProvider!.push({ payment_id: 'pay_8', currency: 'EUR', held: 100 }),
  ],
  [
    'a failed refund whose money is nowhere',
    'refunding is what refunds have reserved: pay_9: 200 is set aside, its refunds say 0',
    ({ refunds }) => Object.assign(refunds[1]!, { released: true }),
  ],
  [
    'a dispute that the entries do not know',
    'disputed is what disputes say: pay_9: 300 is disputed, its disputes say 0',
    ({ disputes }) => Object.assign(disputes[0]!, { status: 'lost' }),
  ],
  [
    'unapplied money that no entry says',
    'unapplied is its account: pay_1: 7 is not applied by its row, its entries say 0',
    ({ payments }) => Object.assign(payments[0]!, { unapplied_amount: 7 }),
  ],
  [
    'money that nobody applied',
    'all that was collected is applied: 7 of pay_1, which is completed',
    ({ payments }) => Object.assign(payments[0]!, { unapplied_amount: 7 }),
  ],
  [
    'credit that is held for a payment that has failed',
    'credit is held for open payments only: sub_1 has 0 set aside for pay_1, which is completed',
    ({ states }) => Object.assign(states[0]!.ledger_state!, { held_for: 'pay_1' }),
  ],
  [
    'a collected attempt that is not in the ledger',
    'every collected attempt is in the ledger: pay_2/collected/1',
    ({ transactions }) => without(transactions, 'pay_2/collected/1'),
  ],
  [
    'a refund that is not in the ledger',
    'every refund is in the ledger: rfd_3 was never reserved',
    ({ transactions }) => without(transactions, 'rfd_3/reserved'),
  ],
  [
    'a refund that was paid and not written',
    'every refund is in the ledger: rfd_2 is succeeded, and 0 of 700 was paid by the ledger',
    ({ transactions }) => without(transactions, 'rfd_2/settled/1'),
  ],
  [
    'a turn of a dispute that is not in the ledger',
    'every dispute is in the ledger: dsp_3/2',
    ({ disputes }) => Object.assign(disputes[0]!, { transitions: 2 }),
  ],
  [
    'a period that was opened and is not in the ledger',
    'every opened period is in the ledger: sub_2/period/1',
    ({ transactions }) => without(transactions, 'sub_2/period/1'),
  ],
  [
    'a period that a change opened beside the ledger',
    'every opened period is in the ledger: 1 periods of sub_2 were opened by 0 changes',
    ({ periods }) => Object.assign(periods[1]!, { by_change: true }),
  ],
  [
    'a paid change that is not in the ledger',
    'every paid change is in the ledger: the change of sub_1 that pay_1 has paid',
    ({ paidChanges }) => void paidChanges.push({ payment_id: 'pay_1', subscription_id: 'sub_1' }),
  ],
];

test.each(faults)('%s is seen', (_name, violation, harm) => {
  const ledger = idleLedger();
  harm(ledger);
  expect(moneyViolations(ledger)).toContain(violation);
});

test('each of the invariants is shown to see something', () => {
  const shown = ledgerInvariants.map(({ name }) =>
    faults.some(([, violation]) => violation.startsWith(name)),
  );
  expect(shown).not.toContain(false);
});
