/** The plans of a failed renewal on real rows, for every reason of the table, whoever could say it. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { planRetry } from '../../../billing/retry/plan';
import { declineCodes, failure, type DeclineCode } from '../../../domain/payment/payment';
import { periodPaymentId } from '../../../domain/ids';
import { previewOf } from '../../../domain/retry/preview';
import { shippedPolicy, type RetryPolicyDocument } from '../../../domain/retry/policy';
import { writeRetryPolicy } from '../../../billing/payment/retry-policies';
import { completed, useBilling } from '../../support/billing';
import { startLife } from '../../support/subscription-life';

const began = '2031-01-01T12:00:00.000Z';
const failedAt = '2031-02-01T12:00:00.000Z';
const zone = 'Europe/Berlin';

const given = useBilling();

/** A renewal that fails for `code`, as does every attempt after it. */
async function failing(code: DeclineCode, policyId = 'default') {
  given.provider.charges = [completed];
  const lived = await startLife(given, began, { retry_policy_id: policyId }, zone);
  given.provider.charges = [{ status: 'failed', provider_reference: null, failure: failure(code, '') }];
  await lived.advance(failedAt);
  return { lived, paymentId: periodPaymentId(lived.id, 2) };
}

/** Goes from one plan to the next until nothing is planned. @returns each attempt's instant, and the end of grace */
async function followed({ lived, paymentId }: Awaited<ReturnType<typeof failing>>) {
  const attempts: string[] = [];
  for (let tries = 0; tries < 60; tries += 1) {
    const state = await planRetry(given.db, paymentId);
    const next = state?.next;
    if (next?.kind === 'wait') {
      await lived.setNow(next.until ?? '');
      continue;
    }
    if (next?.kind !== 'attempt') return { attempts, end: next };
    await lived.setNow(next.at);
    const number = state?.next_number ?? 0;
    await attemptPayment(given, { payment_id: paymentId, number, trigger: 'automatic_retry' });
    const made = await given.db.paymentAttempt.findFirstOrThrow({ where: { payment_id: paymentId, number } });
    attempts.push(made.settled_at?.toISOString() ?? 'open');
  }
  throw new Error('it goes on');
}

function announced(policy: RetryPolicyDocument, code: DeclineCode, earlier: string[] = []) {
  return previewOf(policy, {
    category: code,
    failed_at: failedAt,
    time_zone: zone,
    network: null,
    earlier_attempts: earlier,
  });
}

const attemptsOf = (entries: ReturnType<typeof announced>) =>
  entries.filter(({ kind }) => kind === 'attempt').map(({ at }) => at);

test.each(declineCodes)('%s: attempts and end are those that the preview announces', async (code) => {
  const renewal = await failing(code);
  const { attempts, end } = await followed(renewal);
  const entries = announced(shippedPolicy, code, [began]);
  expect(attempts).toEqual(attemptsOf(entries));
  expect(end).toMatchObject({ kind: 'exhausted', at: entries.at(-1)?.at, final_action: 'expire' });
});

test('a budget counts the attempts of a customer whose clock is years ahead', async () => {
  const tight = { ...shippedPolicy, by_category: {}, budgets: { visa: { attempts: 3, days: 30 } } };
  await writeRetryPolicy(given.db, {
    id: 'tight',
    document: tight,
    actor: { kind: 'system', id: 'test', reason: null },
    at: new Date(failedAt),
    expected: null,
  });
  const { attempts, end } = await followed(await failing('do_not_honor', 'tight'));
  const entries = announced(tight, 'do_not_honor', [began]);
  expect(attempts).toEqual(attemptsOf(entries));
  // The first payment is 31 days old; two retries follow, and the third would come after grace.
  expect(attempts).toEqual(['2031-02-02T12:00:00.000Z', '2031-02-04T12:00:00.000Z']);
  expect(end).toMatchObject({
    reason: expect.stringContaining('visa allows 3 attempts in 30 days') as string,
  });
});

test('an ended or paused subscription announces no attempt', async () => {
  const nextOf = async (paymentId: string) =>
    (await given.db.payment.findUniqueOrThrow({ where: { id: paymentId } })).next_attempt_at;
  for (const end of ['cancel', 'pause'] as const) {
    const { lived, paymentId } = await failing('do_not_honor');
    await planRetry(given.db, paymentId);
    expect(await nextOf(paymentId)).toEqual(new Date('2031-02-02T12:00:00.000Z'));
    await (end === 'cancel' ? lived.cancel({}) : lived.pause());
    expect(await nextOf(paymentId)).toBeNull();
    if (end === 'cancel') continue;
    await lived.resume();
    await planRetry(given.db, paymentId);
    expect(await nextOf(paymentId)).not.toBeNull();
  }
});
