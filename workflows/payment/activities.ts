/** The activities of `payment/{id}`: ordinary ones, each a step that the Web UI shows. */
import { ActivityFailure, proxyActivities } from '@temporalio/workflow';
import type { AttemptActivities, PaymentActivities, PaymentState } from '../../activities/payment';

type Steps = PaymentActivities & AttemptActivities;
type Unbounded = 'loadPayment' | 'markUnknown';

/** Repeated for as long as the database is down: without the row nothing can be decided. */
export const unbounded = proxyActivities<Pick<Steps, Unbounded>>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 min' },
});

/** Five tries, with 15 s of pauses between: no step that fails for good holds up the messages behind it. */
export const steps = proxyActivities<Omit<Steps, Unbounded | 'repeatCall'>>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumAttempts: 5 },
});

/** Repeats with the same key: 4 attempts, 60 s in all. */
const repeats = proxyActivities<Pick<PaymentActivities, 'repeatCall'>>({
  startToCloseTimeout: '15 s',
  scheduleToCloseTimeout: '60 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 3, maximumAttempts: 4 },
});

/** Sends the open attempt again; what has no clear answer then is unknown. */
export async function repeatCall(paymentId: string): Promise<PaymentState> {
  try {
    const repeated = await repeats.repeatCall(paymentId);
    if (repeated.attempt?.status !== 'processing') return repeated;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
  return unbounded.markUnknown(paymentId);
}
