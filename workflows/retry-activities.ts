/** How `retry/{payment_id}` reaches its activities: database steps that wait for their database, one attempt at a time. */
import { proxyLocalActivities, sleep, TemporalFailure, isCancellation } from '@temporalio/workflow';
import type { RetryActivities } from '../activities/retry';
import { attempts } from './subscription-activities';

const local = proxyLocalActivities<RetryActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumAttempts: 5 },
});

/** Waits, visibly, until the step can be done. */
export async function patiently<T>(step: () => Promise<T>): Promise<T> {
  for (let waitMs = 1_000; ; waitMs = Math.min(waitMs * 2, 60_000)) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
      await sleep(waitMs, { summary: 'the database is away; trying again' });
    }
  }
}

export const database: Omit<RetryActivities, 'publishDue'> = {
  planRetry: (paymentId) => patiently(() => local.planRetry(paymentId)),
  nextRequest: (paymentId) => patiently(() => local.nextRequest(paymentId)),
  concludeRequest: (requestId, answer) => patiently(() => local.concludeRequest(requestId, answer)),
  startFollowUp: (paymentId) => patiently(() => local.startFollowUp(paymentId)),
  tellCollectionStarted: (id, told) => patiently(() => local.tellCollectionStarted(id, told)),
  tellCollectionExhausted: (id, told) => patiently(() => local.tellCollectionExhausted(id, told)),
};

export const provider = attempts;
