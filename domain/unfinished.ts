/** The names of what ought to have gone on by itself and did not; each is a question to the rows. */
export const predicateNames = [
  'due_not_opened',
  'period_not_attempted',
  'paid_not_recorded',
  'attempt_in_processing',
  'incomplete_not_told',
  'creation_not_concluded',
  'change_not_concluded',
  'final_with_open_payment',
  'lookup_due',
  'unknown_without_task',
  'webhook_not_processed',
  'manual_not_attempted',
  'refund_not_promised',
  'refund_not_finished',
  'failed_without_plan',
  'collection_not_told',
  'plan_due',
  'retry_request_open',
  'outbox_unpublished',
] as const;
export type Predicate = (typeof predicateNames)[number];
