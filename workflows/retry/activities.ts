/** The activities of `retry/{payment_id}`: database steps that wait for their database, and one attempt at a time. */
import { proxyLocalActivities } from '@temporalio/workflow';
import type { RetryActivities } from '../../activities/retry';
import { retryUntilDone } from '../activity-retry';
import { attempts } from '../subscription/activities';

const local = proxyLocalActivities<RetryActivities>({
  scheduleToCloseTimeout: '5 s',
  retry: { initialInterval: '250 ms', backoffCoefficient: 2, maximumAttempts: 5 },
});

export const database: Omit<RetryActivities, 'publishDue'> = {
  planRetry: (paymentId) => retryUntilDone(() => local.planRetry(paymentId)),
  nextRequest: (paymentId) => retryUntilDone(() => local.nextRequest(paymentId)),
  concludeRequest: (requestId, answer) => retryUntilDone(() => local.concludeRequest(requestId, answer)),
  startFollowUp: (paymentId) => retryUntilDone(() => local.startFollowUp(paymentId)),
  signalDunningStarted: (id, message) => retryUntilDone(() => local.signalDunningStarted(id, message)),
  signalDunningExhausted: (id, message) => retryUntilDone(() => local.signalDunningExhausted(id, message)),
};

export const provider = attempts;
