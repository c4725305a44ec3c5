/** How `retry/{payment_id}` reaches its activities: database steps that wait for their database, one attempt at a time. */
import { proxyLocalActivities } from '@temporalio/workflow';
import type { RetryActivities } from '../../activities/retry';
import { untilDone } from '../activity-retry';
import { attempts } from '../subscription/activities';

const local = proxyLocalActivities<RetryActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumAttempts: 5 },
});

export const database: Omit<RetryActivities, 'publishDue'> = {
  planRetry: (paymentId) => untilDone(() => local.planRetry(paymentId)),
  nextRequest: (paymentId) => untilDone(() => local.nextRequest(paymentId)),
  concludeRequest: (requestId, answer) => untilDone(() => local.concludeRequest(requestId, answer)),
  startFollowUp: (paymentId) => untilDone(() => local.startFollowUp(paymentId)),
  tellCollectionStarted: (id, told) => untilDone(() => local.tellCollectionStarted(id, told)),
  tellCollectionExhausted: (id, told) => untilDone(() => local.tellCollectionExhausted(id, told)),
};

export const provider = attempts;
