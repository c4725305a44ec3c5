/** Webhooks about one refund, or one dispute, in any order: the later word, by the provider's clock, holds. */
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { settleRefund } from '../../../billing/payment/settle-refund';
import { refundIdempotencyKey } from '../../../domain/ids';
import type { RefundStatus } from '../../../domain/payment/refund';
import { inTransaction } from '../../../prisma/client';
import { completed, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { accountsOf, expectLedgerHolds } from '../../support/ledger-rows';
import { webhooksOf, type Reported, type Webhooks } from '../../support/stored-webhooks';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const temporal = useTemporal();
let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = webhooksOf(given.db, temporal);
});

const [first, second] = ['2031-01-01T12:00:00Z', '2031-01-01T12:00:01Z'] as const;

type Report = [status: RefundStatus | 'opened' | 'won' | 'lost', at: string | undefined];
type Kind = 'refund of ours' | 'refund at the provider' | 'dispute';

/** A payment that was made, a refund of ours that was asked for, and what came of the webhooks in the order of `report`. */
async function after(kind: Kind, report: readonly Report[]): Promise<(string | undefined)[]> {
  const { paymentId } = await given.begun();
  await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'answer'));
  const refundId = `rfd_${paymentId}`;
  if (kind === 'refund of ours') {
    const request = { refund_id: refundId, payment_id: paymentId, amount: 400, reason: 'asked', actor };
    await inTransaction(given.db, (tx) => reserveRefund(tx, request));
  }
  const idempotency_key = kind === 'refund of ours' ? refundIdempotencyKey(paymentId, refundId) : null;
  const verdicts = [];
  for (const [status, at] of report) {
    const about = at === undefined ? {} : { at };
    const reported =
      kind === 'dispute'
        ? { ...about, dispute: { dispute_reference: 'dp_1', status } }
        : { ...about, refund: { idempotency_key, amount: 400, status } };
    const { deliveryId, data } = await webhooks.stored(paymentId, reported as Reported);
    await webhooks.consume({ data });
    verdicts.push(await given.db.webhookDelivery.findUniqueOrThrow({ where: { id: deliveryId } }));
  }
  const where = { payment_id: paymentId };
  const rows =
    kind === 'dispute' ? given.db.dispute.findMany({ where }) : given.db.refund.findMany({ where });
  return [...verdicts.map(({ status }) => status), ...(await rows).map(({ status }) => status)];
}

/** `f2`: that it failed, in the second second of the year. */
const reportOf = (text: string): Report => [
  ({ p: 'pending', s: 'succeeded', f: 'failed' } as const)[text[0] as 'p' | 's' | 'f'],
  `2031-01-01T00:00:0${text[1]}Z`,
];

/** What a refund of 400 comes to that was made at the provider, by the reports in this order. @param ours before it */
async function standing(ours: { amount: number; outcome: 'succeeded' | 'failed' } | null, reports: string) {
  const { paymentId, subscriptionId } = await given.begun();
  await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'answer'));
  if (ours !== null) {
    const { amount, outcome } = ours;
    const id = `rfd_${paymentId}`;
    const request = { refund_id: id, payment_id: paymentId, amount, reason: 'asked', actor };
    const end = { status: outcome, provider_reference: 're_0', reason: 'refused' } as const;
    await inTransaction(given.db, (tx) => reserveRefund(tx, request));
    await inTransaction(given.db, (tx) => settleRefund(tx, id, end));
  }
  for (const [status, at] of reports.split(' ').map(reportOf)) {
    const refund = { idempotency_key: null, amount: 400, status: status as RefundStatus };
    const { data } = await webhooks.stored(paymentId, { at: String(at), refund });
    await webhooks.consume({ data });
  }
  await expectLedgerHolds(given.db, subscriptionId);
  const where = { payment_id: paymentId };
  const refunds = await given.db.refund.findMany({ where, orderBy: { provider_reference: 'asc' } });
  const { status, refunded_amount } = await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  const asked = { status: 'open', subject_id: { in: [paymentId, ...refunds.map(({ id }) => id)] } };
  return {
    payment: [status, Number(refunded_amount)],
    refunds: refunds.map((row) => [row.provider_reference, row.status, row.reason, row.released_at !== null]),
    accounts: await accountsOf(given.db, 'subscription', subscriptionId),
    tasks: (await given.db.operatorTask.findMany({ where: asked })).map(
      ({ kind, subject_id }) => `${kind} ${refunds.find(({ id }) => id === subject_id)?.provider_reference}`,
    ),
  };
}

const failedOrders = ['s1 f2', 'f2 s1', 'f2 f2', 'p0 f1', 'f1 p0', 'f1 s2 f3', 'f3 s2 f1'];
const paidOrders = ['s1', 'f1 s2', 's2 f1', 's1 f2 s3', 's3 f2 s1', 'p0 f1 s2 s2'];

describe('a refund that was made at the provider', () => {
  const left = { 'cash/sandbox': 1000, refunding: -400, unapplied: -600 };
  const made = (status: RefundStatus) => ['re_1', status, 'made_at_provider', false];

  it.each([
    ['failed', null, failedOrders, ['completed', 0], [made('failed')], left, ['refund_failed re_1']],
    [
      'succeeded',
      null,
      paidOrders,
      ['partially_refunded', 400],
      [made('succeeded')],
      { 'cash/sandbox': 600, unapplied: -600 },
      [],
    ],
    [
      'failed',
      { amount: 1000, outcome: 'failed' },
      failedOrders.slice(0, 2),
      ['completed', 0],
      [['re_0', 'failed', 'asked', true], made('failed')],
      { 'cash/sandbox': 1000, credit: -600, refunding: -400 },
      ['refund_failed re_1'],
    ],
    [
      'succeeded',
      { amount: 1000, outcome: 'failed' },
      paidOrders.slice(0, 3),
      ['partially_refunded', 400],
      [['re_0', 'failed', 'asked', true], made('succeeded')],
      { 'cash/sandbox': 600, credit: -600 },
      [],
    ],
    [
      'failed',
      { amount: 800, outcome: 'succeeded' },
      failedOrders.slice(0, 2),
      ['partially_refunded', 800],
      [['re_0', 'succeeded', 'asked', false], made('failed')],
      { 'cash/sandbox': 200, refunding: -400, allowances: 200 },
      ['refund_failed re_1'],
    ],
    [
      'succeeded',
      { amount: 800, outcome: 'succeeded' },
      paidOrders.slice(0, 4),
      ['refunded', 1000],
      [['re_0', 'succeeded', 'asked', false], made('succeeded')],
      { 'cash/sandbox': -200, allowances: 200 },
      ['refund_failed re_1'],
    ],
  ] as const)(
    'ends as %s alike in every order of its reports, after a refund of ours: %j',
    async (_, ours, orders, payment, refunds, accounts, tasks) => {
      const wanted = { payment, refunds, accounts, tasks };
      for (const reports of orders) {
        expect({ reports, ...(await standing(ours, reports)) }).toEqual({ reports, ...wanted });
      }
    },
  );
});

test.each<[Kind, Report[], string[]]>([
  [
    'refund of ours',
    [
      ['failed', second],
      ['succeeded', first],
    ],
    ['processed', 'ignored', 'failed'],
  ],
  [
    'refund of ours',
    [
      ['failed', first],
      ['succeeded', second],
    ],
    ['processed', 'processed', 'succeeded'],
  ],
  [
    'refund of ours',
    [
      ['failed', first],
      ['succeeded', first],
    ],
    ['processed', 'processed', 'succeeded'],
  ],
  [
    'refund of ours',
    [
      ['failed', second],
      ['succeeded', undefined],
    ],
    ['processed', 'processed', 'succeeded'],
  ],
  [
    'refund at the provider',
    [
      ['failed', second],
      ['succeeded', first],
    ],
    ['processed', 'ignored', 'failed'],
  ],
  ['refund at the provider', [['failed', second]], ['processed', 'failed']],
  [
    'refund at the provider',
    [
      ['failed', first],
      ['succeeded', second],
    ],
    ['processed', 'processed', 'succeeded'],
  ],
  [
    'refund at the provider',
    [
      ['succeeded', first],
      ['failed', second],
    ],
    ['processed', 'processed', 'failed'],
  ],
  [
    'dispute',
    [
      ['lost', second],
      ['opened', first],
    ],
    ['processed', 'ignored', 'lost'],
  ],
  ['dispute', [['won', second]], ['processed', 'won']],
  ['dispute', [['lost', second]], ['processed', 'lost']],
  [
    'dispute',
    [
      ['won', second],
      ['opened', first],
    ],
    ['processed', 'ignored', 'won'],
  ],
  [
    'dispute',
    [
      ['opened', first],
      ['won', second],
    ],
    ['processed', 'processed', 'won'],
  ],
])('%s, %j: %j', async (kind, report, wanted) => {
  expect(await after(kind, report)).toEqual(wanted);
});
