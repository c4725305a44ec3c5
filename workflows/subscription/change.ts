/**
 * A change of what is sold: at once, or when its charge is paid.
 *
 * Invariants: declined means unchanged; a charge without a clear answer is followed up elsewhere, and waited for only
 * as long as the caller waits; then the change waits for it.
 */
import { condition } from '@temporalio/workflow';
import type { SubscriptionRecord } from '../../activities/subscription';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import { attempts, firstStep, laterStep } from './activities';
import { refusal } from '../refusals';

/** @param hasOutcome whether the outcome of a payment was told. @throws ApplicationFailure with a code of the error table */
export async function executeChange(
  id: string,
  command: ChangeCommand,
  hasOutcome: (paymentId: string) => boolean,
): Promise<SubscriptionRecord> {
  const askedAtMs = Date.now();
  const begun = await firstStep((step) => step.commitChange(id, command));
  if (begun.kind === 'refused') throw refusal(begun.code, begun.detail, { reason: begun.reason });
  if (begun.kind === 'committed') return begun.record;
  const paymentId = begun.payment_id;
  const answer = await attempts.attempt({ payment_id: paymentId, number: 1, trigger: 'manual' });
  if (answer.status === 'open') {
    await laterStep((step) => step.startFollowUp(paymentId));
    const waitMs = askedAtMs + command.answer_within_ms - Date.now();
    if (waitMs > 0) await condition(() => hasOutcome(paymentId), waitMs);
  }
  const concluded = await laterStep((step) =>
    step.concludeChange(id, paymentId, answer.status === 'refused'),
  );
  if (concluded.kind === 'committed') return concluded.record;
  if (concluded.kind === 'refused')
    throw refusal(concluded.code, concluded.detail, { reason: concluded.reason });
  throw refusal('payment_declined', 'The charge of the change was declined; nothing was changed.', {
    payment_id: paymentId,
    failure: concluded.failure ?? undefined,
  });
}
