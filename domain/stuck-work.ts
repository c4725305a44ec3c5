/** The names of what ought to have gone on by itself and did not; each is a question to the rows. */
export const predicateNames = [
  'due_not_opened',
  'period_not_attempted',
  'paid_not_recorded',
  'unapplied_money',
  'period_end_not_earned',
  'attempt_in_processing',
  'incomplete_not_notified',
  'creation_not_concluded',
  'change_not_concluded',
  'final_with_open_payment',
  'failed_after_end',
  'lookup_due',
  'cancel_not_asked',
  'other_card_not_tried',
  'open_without_task',
  'unknown_without_task',
  'webhook_not_processed',
  'manual_not_attempted',
  'refund_not_reserved',
  'refund_not_finished',
  'failed_without_plan',
  'payment_method_not_planned',
  'dunning_not_recorded',
  'plan_due',
  'notice_due',
  'retry_request_open',
  'bulk_retry_stalled',
  'outbox_unpublished',
] as const;
export type Predicate = (typeof predicateNames)[number];

/**
 * What may be found for long without a fault, and who is asked about it then: a refund that the provider works on
 * (`refund_failed`), a request whose attempt is open (`unknown_outcome`), events while Kafka is away (a metric). What
 * counts without tolerance only is never found by a round.
 */
const waitsByItself = [
  'refund_not_finished',
  'retry_request_open',
  'outbox_unpublished',
  'refund_not_reserved',
] as const satisfies readonly Predicate[];

/** Whether an operator is asked about work that a predicate has found for an hour: repairs did not help. */
export function isFaultWhenLasting(predicate: Predicate): boolean {
  return !(waitsByItself as readonly Predicate[]).includes(predicate);
}

/** Whether a predicate is about money that is not where the ledger has it, not about work that waits for somebody. */
export function isOfLedger(predicate: Predicate): boolean {
  return predicate === 'unapplied_money' || predicate === 'period_end_not_earned';
}

/** How long work may be found again and again before an operator is asked. */
export const lastingAfterMs = 60 * 60_000;
/** Open questions about one predicate at most: when a whole part is away, more would say nothing new. */
export const mostAskedPerPredicate = 20;
