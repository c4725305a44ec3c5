/**
 * Changes what a subscription sells: at once, or when its charge is paid.
 *
 * Invariants: declined means unchanged; a charge without a clear answer is followed up elsewhere, and waited for only
 * as long as the caller waits; after that the change waits for its payment.
 */
import { condition } from '@temporalio/workflow';
import type { SubscriptionRecord } from '../../activities/subscription';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import { attempts, firstChargingStep, laterStep } from './activities';
import { refusal } from '../refusals';

/**
 * Executes a change.
 * @param hasOutcome whether the outcome of a payment has been received
 * @throws ApplicationFailure with a code of the error table
 */
export async function executeChange(
  id: string,
  command: ChangeCommand,
  hasOutcome: (paymentId: string) => boolean,
): Promise<SubscriptionRecord> {
  const requestedAtMs = Date.now();
  const begun = await firstChargingStep((step) => step.commitChange(id, command));
  if (begun.kind === 'refused') throw refusal(begun.code, begun.detail, { reason: begun.reason });
  if (begun.kind === 'committed') return begun.record;
  const paymentId = begun.payment_id;
  const answer = await attempts.attempt({ payment_id: paymentId, number: 1, trigger: 'manual' });
  if (answer.status === 'open') {
    await laterStep((step) => step.startFollowUp(paymentId));
    const waitMs = requestedAtMs + command.answer_within_ms - Date.now();
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
