/** A bulk retry against the database: wishes once, whoever dies, and only while it runs. */
import { sendMessages } from '../../../temporal/send';
import { repair } from '../../../billing/reconcile/repair';
import { decideBulkRetry, loadBulkRetry, releaseBatch } from '../../../billing/retry/run-bulk-retry';
import { attemptPayment } from '../../../billing/payment/attempt';
import { concludeRequest, nextRequest } from '../../../billing/retry/requests';
import { bulkRetryRequestId } from '../../../domain/ids';
import { beginRun } from '../../../billing/retry/bulk-retries';
import { inTransaction } from '../../../prisma/client';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { writeFailed } from '../../support/failed-payment';
import { fakeMessenger } from '../../support/fake-messenger';
import { useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { someTrace } from '../../support/trace';

const given = useBilling();
/** Payments whose processes were told of a wish. */
let reported: string[] = [];
beforeEach(() => {
  reported = [];
});

let runs = 0;
/** A run over payments of its own, `pay_{name}_1` and so on; the second of them was declined for good. */
async function begun(name: string, payments: number): Promise<string> {
  runs += 1;
  const at = (minute: number) => new Date(Date.UTC(2025, 0, runs, 0, minute)).toISOString();
  for (let n = 1; n <= payments; n += 1) {
    await writeFailed(given.db, {
      id: `pay_${name}_${n}`,
      at: at(n),
      code: n === 2 ? 'expired_card' : undefined,
    });
  }
  const filter = { failed_from: at(0), failed_to: at(payments + 1) };
  const wanted = {
    id: `brt_${name}`,
    filter,
    reason: 'an outage',
    actor,
    trace: someTrace,
    rate_per_second: 10,
  };
  await inTransaction(given.db, (tx) => beginRun(tx, wanted));
  return wanted.id;
}

const report = async (paymentId: string): Promise<void> => void reported.push(paymentId);
const release = async (id: string, after: number, payments = 2, startRetry = report) =>
  sendMessages(fakeMessenger({ startRetry }), await releaseBatch(given.db, id, { after, payments }));
const look = (id: string) => loadBulkRetry(given.db, id);
const requests = (id: string) =>
  given.db.retryRequest.findMany({ where: { bulk_retry_id: id }, orderBy: { payment_id: 'asc' } });
/** What `retry/{payment_id}` does when it is told. */
async function fulfil(paymentId: string): Promise<void> {
  const wanted = await nextRequest(given.db, paymentId);
  if (wanted === null) return;
  const { number } = wanted;
  const answer = await attemptPayment(given, { payment_id: paymentId, number, trigger: 'manual_retry' });
  await concludeRequest(given.db, wanted.retry_request_id, answer);
}
const stalled = async (id: string, toleranceMs: number) => {
  const items = await findStuckWork(given.db, { toleranceMs, testClockId: null, limit: 100 });
  return items.some(({ predicate, subject }) => predicate === 'bulk_retry_stalled' && subject.id === id);
};
/** What the reconciliation sends when it has found one. */
const repairOf = (id: string) =>
  repair(given, { predicate: 'bulk_retry_stalled', subject: { type: 'bulk_retry', id } });

it('hands a batch over in order: a wish each, the refused ones judged, the others told', async () => {
  const id = await begun('ordered', 3);
  await release(id, 0);
  expect(reported).toEqual(['pay_ordered_1']);
  expect(await requests(id)).toMatchObject([
    { id: bulkRetryRequestId(id, 'pay_ordered_1'), status: 'requested', reason: 'an outage', actor },
    { id: bulkRetryRequestId(id, 'pay_ordered_2'), status: 'refused', refusal: 'hard_declined' },
  ]);
  const progress = { total: 3, attempted: 0, refused: 1, remaining: 2 };
  expect(await look(id)).toMatchObject({ status: 'running', released: 2, progress });
});

it('handed over again, a batch writes nothing and tells only those whose wish is open', async () => {
  const id = await begun('again', 4);
  const cutOff = () => Promise.reject(new Error('the worker was killed'));
  await expect(release(id, 0, 4, cutOff)).rejects.toThrow('killed');
  await fulfil('pay_again_1');
  const before = await requests(id);
  await release(id, 0, 4);
  expect(reported.toSorted()).toEqual(['pay_again_3', 'pay_again_4']);
  expect(await requests(id)).toEqual(before);
});

it('is completed when every wish is judged, with one attempt for each', async () => {
  const id = await begun('completed', 3);
  await release(id, 0);
  await release(id, 2);
  expect(await look(id)).toMatchObject({ status: 'running', released: 3 });
  for (const paymentId of ['pay_completed_1', 'pay_completed_3', 'pay_completed_1']) await fulfil(paymentId);
  const progress = { total: 3, attempted: 2, refused: 1, remaining: 0 };
  expect(await look(id)).toMatchObject({ status: 'completed', progress });
  const attempts = await given.db.paymentAttempt.count({
    where: { payment_id: { startsWith: 'pay_completed_' }, trigger: 'manual_retry' },
  });
  expect(attempts).toBe(2);
});

it('with nothing to do is completed at once', async () => {
  expect(await look(await begun('empty', 0))).toMatchObject({ status: 'completed', progress: { total: 0 } });
});

it('hands nothing over while it is paused, nor ever after it was cancelled', async () => {
  const id = await begun('paused', 3);
  await release(id, 0, 1);
  expect(await decideBulkRetry(given.db, id, 'pause', actor)).toEqual({ kind: 'decided' });
  await release(id, 1);
  expect(await requests(id)).toHaveLength(1);
  await decideBulkRetry(given.db, id, 'resume', actor);
  await release(id, 1, 1);
  expect(await requests(id)).toHaveLength(2);
  await decideBulkRetry(given.db, id, 'cancel', actor);
  await release(id, 2, 1);
  expect(await requests(id)).toHaveLength(2);
  expect(await decideBulkRetry(given.db, id, 'resume', actor)).toEqual({
    kind: 'refused',
    status: 'cancelled',
  });
  expect(await decideBulkRetry(given.db, 'brt_none', 'pause', actor)).toEqual({ kind: 'unknown' });
  expect(await look(id)).toMatchObject({ status: 'cancelled', progress: { remaining: 2 } });
});

it('refuses at its turn what changed since it was selected', async () => {
  const id = await begun('changed', 1);
  await given.db.payment.update({ where: { id: 'pay_changed_1' }, data: { status: 'completed' } });
  await release(id, 0);
  expect(reported).toEqual([]);
  expect(await requests(id)).toMatchObject([{ status: 'refused', refusal: 'completed' }]);
  expect(await look(id)).toMatchObject({ status: 'completed' });
});

it('is found when it stands still, and not while its wishes wait for their turn', async () => {
  const id = await begun('stalled', 1);
  const minutesAgo = { updated_at: new Date(Date.now() - 120_000) };
  expect(await stalled(id, 60_000)).toBe(false);
  await given.db.bulkRetry.update({ where: { id }, data: minutesAgo });
  expect(await stalled(id, 60_000)).toBe(true);
  expect(await repairOf(id)).toEqual([{ kind: 'start_bulk_retry', bulk_retry_id: id }]);
  await release(id, 0);
  await given.db.bulkRetry.update({ where: { id }, data: minutesAgo });
  expect(await stalled(id, 60_000)).toBe(false);
  await fulfil('pay_stalled_1');
  expect(await stalled(id, 60_000)).toBe(true);
  expect(await stalled(id, 0)).toBe(true);
  await look(id);
  expect(await stalled(id, 0)).toBe(false);
});
