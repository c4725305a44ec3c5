/**
 * The money of a small system at rest: a paid month that was changed to a cheaper plan, one that was cancelled and given
 * back, a payment under dispute, a refund that failed, credit of a customer.
 */
import type { LedgerState } from '../../../domain/ledger/state';
import type { LedgerFacts } from '../../chaos/ledger-facts';

type Line = readonly [account: string, source: string, amount: number, owner?: 'customer'];

interface Written {
  id: string;
  kind: string;
  of: string | null;
  payment?: string;
  refund?: string;
  lines: readonly Line[];
}

const journal: readonly Written[] = [
  {
    id: 'pay_1/collected/1',
    kind: 'payment_collected',
    of: 'sub_1',
    payment: 'pay_1',
    lines: [
      ['cash/sandbox', 'pay_1', 1000],
      ['unapplied', 'pay_1', -1000],
    ],
  },
  {
    id: 'sub_1/period/1',
    kind: 'period_opened',
    of: 'sub_1',
    payment: 'pay_1',
    lines: [
      ['unapplied', 'pay_1', 1000],
      ['unearned', 'pay_1', -1000],
    ],
  },
  {
    id: 'sub_1/change/cmd_1',
    kind: 'change_applied',
    of: 'sub_1',
    lines: [
      ['unearned', 'pay_1', 600],
      ['earned', 'pay_1', -100],
      ['credit', 'pay_1', -500],
    ],
  },
  {
    id: 'pay_2/collected/1',
    kind: 'payment_collected',
    of: 'sub_2',
    payment: 'pay_2',
    lines: [
      ['cash/sandbox', 'pay_2', 1000],
      ['unapplied', 'pay_2', -1000],
    ],
  },
  {
    id: 'sub_2/period/1',
    kind: 'period_opened',
    of: 'sub_2',
    payment: 'pay_2',
    lines: [
      ['unapplied', 'pay_2', 1000],
      ['unearned', 'pay_2', -1000],
    ],
  },
  {
    id: 'sub_2/ended',
    kind: 'subscription_ended',
    of: 'sub_2',
    lines: [
      ['unearned', 'pay_2', 1000],
      ['refunding', 'pay_2', -700],
      ['credit', 'pay_2', -300, 'customer'],
    ],
  },
  {
    id: 'rfd_2/settled/1',
    kind: 'refund_settled',
    of: 'sub_2',
    payment: 'pay_2',
    refund: 'rfd_2',
    lines: [
      ['refunding', 'pay_2', 700],
      ['cash/sandbox', 'pay_2', -700],
    ],
  },
  {
    id: 'pay_9/collected/1',
    kind: 'payment_collected',
    of: null,
    payment: 'pay_9',
    lines: [
      ['cash/sandbox', 'pay_9', 500, 'customer'],
      ['earned', 'pay_9', -500, 'customer'],
    ],
  },
  {
    id: 'rfd_3/reserved',
    kind: 'refund_reserved',
    of: null,
    payment: 'pay_9',
    refund: 'rfd_3',
    lines: [
      ['allowances', 'pay_9', 200, 'customer'],
      ['refunding', 'pay_9', -200, 'customer'],
    ],
  },
  {
    id: 'dsp_3/1',
    kind: 'dispute_opened',
    of: null,
    payment: 'pay_9',
    lines: [
      ['disputed', 'pay_9', 300, 'customer'],
      ['cash/sandbox', 'pay_9', -300, 'customer'],
    ],
  },
];

const fund = (source: string, unearned: number, credit: number) => ({
  source,
  unearned,
  used: 0,
  credit,
  held: 0,
  receivable: 0,
  written_off: 0,
});

const state = (funds: LedgerState['funds']): LedgerState => ({
  period: null,
  earned_until: null,
  reckoned_at: null,
  revision: 1,
  held_for: null,
  funds,
});

const payment = (id: string, kind: string, subscription: string | null) => ({
  id,
  kind,
  status: 'completed',
  subscription_id: subscription,
  unapplied_amount: 0,
  disputed_amount: 0,
  lost_amount: 0,
});

/** Made anew for each test, which may break it. */
export function idleLedger(): LedgerFacts {
  const row = { currency: 'EUR', open_payment_id: null };
  return {
    transactions: journal.map(({ id, kind, of, payment: paymentId = null, refund = null }) => ({
      id,
      kind,
      customer_id: 'cus_1',
      subscription_id: of,
      payment_id: paymentId,
      refund_id: refund,
      currency: 'EUR',
    })),
    entries: journal.flatMap(({ id, of, lines }) =>
      lines.map(([account, source, amount, owner]) => ({
        transaction_id: id,
        account,
        source,
        amount,
        currency: 'EUR',
        customer_id: 'cus_1',
        subscription_id: owner === undefined ? of : null,
      })),
    ),
    states: [
      {
        id: 'sub_1',
        status: 'active',
        balance: -500,
        ledger_state: state([fund('pay_1', 400, 500)]),
        ...row,
      },
      { id: 'sub_2', status: 'cancelled', balance: 0, ledger_state: state([]), ...row },
    ],
    customerBalances: [
      { customer_id: 'cus_1', currency: 'EUR', credit: 300, funds: [{ source: 'pay_2', amount: 300 }] },
    ],
    payments: [
      payment('pay_1', 'first', 'sub_1'),
      payment('pay_2', 'first', 'sub_2'),
      { ...payment('pay_9', 'manual', null), disputed_amount: 300 },
    ],
    received: ['pay_1', 'pay_2'].map((id) => ({ payment_id: id, number: 1, amount: 1000 })),
    refunds: [
      { id: 'rfd_2', payment_id: 'pay_2', status: 'succeeded', amount: 700, released: false },
      { id: 'rfd_3', payment_id: 'pay_9', status: 'failed', amount: 200, released: false },
    ],
    disputes: [{ id: 'dsp_3', payment_id: 'pay_9', status: 'open', amount: 300, transitions: 1 }],
    periods: ['sub_1', 'sub_2'].map((id) => ({
      subscription_id: id,
      index: 1,
      amount: 1000,
      paid: true,
      by_change: false,
    })),
    paidChanges: [],
    atProvider: [
      { payment_id: 'pay_1', currency: 'EUR', held: 1000 },
      { payment_id: 'pay_2', currency: 'EUR', held: 300 },
      { payment_id: 'pay_9', currency: 'EUR', held: 200 },
    ],
  };
}
