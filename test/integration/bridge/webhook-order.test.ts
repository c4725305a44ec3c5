/** Webhooks about one refund, or one dispute, in any order: the later word, by the provider's clock, holds. */
import { reserveRefund } from '../../../billing/payment/reserve-refund';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { refundIdempotencyKey } from '../../../domain/ids';
import { inTransaction } from '../../../prisma/client';
import { completed, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { webhooksOf, type Reported, type Webhooks } from '../../support/stored-webhooks';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const temporal = useTemporal();
let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = webhooksOf(given.db, temporal);
});

const [first, second] = ['2031-01-01T12:00:00Z', '2031-01-01T12:00:01Z'] as const;

type Report = [status: 'succeeded' | 'failed' | 'opened' | 'won' | 'lost', at: string | undefined];
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
    ['ignored', 'ignored'],
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
