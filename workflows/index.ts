/** The workflows of a worker's bundle; a worker runs those that are started on its task queue. */
export { subscription } from './subscription/workflow';
export { payment } from './payment/workflow';
export { reconciliation } from './reconciliation';
export { retry } from './retry/workflow';
export { bulkRetry } from './bulk-retry';
export { renewalRun } from './renewal-run/workflow';
export { renewalScheduler } from './renewal-scheduler';
export { testClock } from './test-clock';
