/** A webhook that comes for the first time when thirty days have passed since its attempt began. */
import type { AttemptOutcome, SettledBy } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, useBilling } from '../../support/billing';
import { webhooksOf, type Webhooks } from '../../support/stored-webhooks';
import { useTemporal } from '../../support/temporal';

const given = useBilling();
const temporal = useTemporal();
let webhooks: Webhooks;
beforeAll(async () => {
  webhooks = webhooksOf(given.db, temporal);
});

/** A renewal's payment whose attempt began thirty days ago, and what was found out since. */
async function begunLongAgo(found: AttemptOutcome, by: SettledBy): Promise<string> {
  const { paymentId } = await given.begun();
  await given.db.payment.update({ where: { id: paymentId }, data: { kind: 'renewal' } });
  await given.db.$executeRaw`
    UPDATE payment_attempts SET started_at = started_at - interval '30 days' WHERE payment_id = ${paymentId}`;
  await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, found, by));
  return paymentId;
}

const completions = (paymentId: string) =>
  given.db.outboxEvent.count({ where: { subject: paymentId, topic: 'payments.completed' } });

it.each([
  [
    'settles what nobody could find out',
    { status: 'unknown', reason: 'no_clear_answer' },
    'answer',
    'The attempt is completed by this webhook.',
  ],
  [
    'changes nothing of what a lookup has found',
    completed,
    'lookup',
    'The attempt was completed already, by lookup.',
  ],
] as const)('%s, and has one effect', async (_, found, by, verdict) => {
  const paymentId = await begunLongAgo(found, by);
  const reported = await webhooks.stored(paymentId);
  await webhooks.consume(reported);
  await webhooks.consume(reported);
  const delivery = await given.db.webhookDelivery.findUniqueOrThrow({ where: { id: reported.deliveryId } });
  expect(delivery).toMatchObject({ status: 'processed', outcome: verdict });
  const payment = await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  expect(payment).toMatchObject({ status: 'completed' });
  expect(await completions(paymentId)).toBe(1);
});
