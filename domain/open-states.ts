/**
 * Every state in which something waits: what ends it, who looks next and when, what finds it when nobody did, and when
 * an operator is asked. Pure; `docs/open-states.md` is written from it.
 *
 * Invariant: nothing waits without an end. A state whose end is a decision of somebody outside says whose.
 */
import type { OperatorTaskKind } from './payment/operator-task';
import type { Predicate } from './stuck-work';

export interface OpenState {
  entity: string;
  /** As its column has it, or with what tells it apart from the other rows of that status. */
  states: readonly string[];
  endsBy: string;
  looksNext: string;
  /** By what the reconciliation finds it, each minute. */
  foundAs: readonly Predicate[];
  /** The operator task that is raised when it lasts, and after how long; null: it may last, see `endsBy`. */
  asks: { task: OperatorTaskKind; after: string } | null;
}

const stuck = { task: 'stuck_work', after: '1 hour of repairs in vain' } as const;
const openAttempt = { task: 'unknown_outcome', after: '1 day unknown, 3 days pending' } as const;
const lookups =
  '`payment/{id}` asks the provider after 1, 5 and 15 minutes, 1, 6 and 24 hours, then each day';

export const openStates: readonly OpenState[] = [
  {
    entity: 'subscription',
    states: ['scheduled', 'trialing'],
    endsBy: 'its start, or the end of its trial',
    looksNext: 'the renewal scheduler, at `next_due_at`',
    foundAs: ['due_not_opened'],
    asks: stuck,
  },
  {
    entity: 'subscription',
    states: ['incomplete'],
    endsBy: 'its first payment, paid or given up after `INCOMPLETE_HOURS`; another card is tried at once',
    looksNext: '`payment/{id}`; `subscription/{id}` while it is created',
    foundAs: ['creation_not_concluded', 'incomplete_not_notified', 'other_card_not_tried'],
    asks: stuck,
  },
  {
    entity: 'subscription',
    states: ['active'],
    endsBy: 'the end of its period; unpaid then, it is past due',
    looksNext: 'the renewal scheduler, at `next_due_at`; of an open period `payment/{id}` and `retry/{id}`',
    foundAs: ['due_not_opened', 'period_not_attempted', 'paid_not_recorded', 'period_end_not_earned'],
    asks: stuck,
  },
  {
    entity: 'subscription',
    states: ['past_due'],
    endsBy:
      'its payment is paid, the final action of its policy, or cancellation; with `leave_past_due` the next card or the caller',
    looksNext: '`retry/{id}` at the plan; while an attempt is open, `payment/{id}`',
    foundAs: ['period_not_attempted', 'paid_not_recorded', 'plan_due', 'dunning_not_recorded'],
    asks: stuck,
  },
  {
    entity: 'subscription',
    states: ['paused'],
    endsBy: '`resume_at`; without one, the caller resumes or cancels',
    looksNext: 'the renewal scheduler, at `next_due_at`; without `resume_at`, nobody',
    foundAs: ['due_not_opened'],
    asks: null,
  },
  {
    entity: 'renewal run',
    states: ['running', 'paused'],
    endsBy: 'each of its subscriptions is renewed, or given up after 15 minutes of failures',
    looksNext: '`renewal-run/{id}`, within a minute; in a pause each 20 s',
    foundAs: ['due_not_opened'],
    asks: { task: 'renewal_failed', after: '15 minutes of failures' },
  },
  {
    entity: 'change',
    states: ['waits for the end of the period'],
    endsBy: 'the end of the period; of a subscription that is paused, the first one after its resumption',
    looksNext: 'the renewal scheduler, at `next_due_at`',
    foundAs: ['due_not_opened'],
    asks: stuck,
  },
  {
    entity: 'change',
    states: ['waits for its charge'],
    endsBy: 'its charge is paid or declined, `cancel_change`, at the latest the end of the period',
    looksNext: lookups,
    foundAs: ['change_not_concluded'],
    asks: openAttempt,
  },
  {
    entity: 'payment',
    states: ['requested'],
    endsBy: 'its first attempt',
    looksNext: 'the step that requested it, at once',
    foundAs: [
      'period_not_attempted',
      'manual_not_attempted',
      'creation_not_concluded',
      'change_not_concluded',
      'final_with_open_payment',
    ],
    asks: stuck,
  },
  {
    entity: 'payment',
    states: ['processing', 'requires_action', 'pending', 'unknown'],
    endsBy: 'the outcome of its attempt',
    looksNext: 'as for its attempt',
    foundAs: ['attempt_in_processing', 'lookup_due', 'final_with_open_payment'],
    asks: openAttempt,
  },
  {
    entity: 'payment',
    states: ['failed'],
    endsBy:
      'another attempt is paid, or its subscription ends and cancels it; without a retry policy it is final, and so it is of a change, and of a creation whose customer has given no other card',
    looksNext: '`retry/{id}`, at `next_attempt_at` and `next_notice_at`; a new card, at once',
    foundAs: [
      'failed_without_plan',
      'plan_due',
      'notice_due',
      'payment_method_not_planned',
      'other_card_not_tried',
      'failed_after_end',
    ],
    asks: stuck,
  },
  {
    entity: 'payment',
    states: ['disputed'],
    endsBy: 'the bank’s decision, by webhook',
    looksNext: 'the provider',
    foundAs: [],
    asks: { task: 'dispute', after: 'at once' },
  },
  {
    entity: 'payment',
    states: ['collected, not applied'],
    endsBy: 'its subscription applies it or gives it back',
    looksNext: '`subscription/{id}`, at once',
    foundAs: ['unapplied_money', 'paid_not_recorded'],
    asks: stuck,
  },
  {
    entity: 'attempt',
    states: ['processing'],
    endsBy: 'the answer to its call; after 60 s of repeats it is unknown',
    looksNext: '`payment/{id}`',
    foundAs: ['attempt_in_processing'],
    asks: stuck,
  },
  {
    entity: 'attempt',
    states: ['requires_action', 'pending'],
    endsBy:
      'the provider’s outcome; a first payment is given up after `INCOMPLETE_HOURS`, or when its customer gives another card, and what is given up is cancelled at the provider',
    looksNext: lookups,
    foundAs: ['lookup_due', 'cancel_not_asked', 'other_card_not_tried', 'open_without_task'],
    asks: openAttempt,
  },
  {
    entity: 'attempt',
    states: ['unknown'],
    endsBy: 'the provider’s outcome; two lookups that prove its absence: it is sent again with its key',
    looksNext: lookups,
    foundAs: ['lookup_due', 'cancel_not_asked', 'other_card_not_tried', 'unknown_without_task'],
    asks: openAttempt,
  },
  {
    entity: 'refund',
    states: ['pending'],
    endsBy: 'the provider’s answer',
    looksNext: '`payment/{id}`, after 1, 5 and 15 minutes, 1, 6 and 24 hours, then each day',
    foundAs: ['refund_not_finished', 'refund_not_reserved'],
    asks: { task: 'refund_failed', after: 'more than a day' },
  },
  {
    entity: 'refund',
    states: ['failed'],
    endsBy: 'an operator: paid again, paid by other means, or given up',
    looksNext: 'an operator',
    foundAs: [],
    asks: { task: 'refund_failed', after: 'at once' },
  },
  {
    entity: 'dispute',
    states: ['open'],
    endsBy: 'the bank’s decision, by webhook',
    looksNext: 'the provider',
    foundAs: [],
    asks: { task: 'dispute', after: 'at once' },
  },
  {
    entity: 'retry plan',
    states: ['attempt', 'wait_for_payment_method', 'wait_for_customer', 'exhausted'],
    endsBy: 'its instant: the attempt, or the final action',
    looksNext: '`retry/{id}`, at its instant; a new card, at once',
    foundAs: ['plan_due', 'payment_method_not_planned'],
    asks: stuck,
  },
  {
    entity: 'retry request',
    states: ['requested'],
    endsBy: 'it is refused, or its attempt has its outcome',
    looksNext: '`retry/{id}`, at once; then as for its attempt',
    foundAs: ['retry_request_open'],
    asks: openAttempt,
  },
  {
    entity: 'bulk retry',
    states: ['previewed'],
    endsBy: 'the operator starts it; nothing depends on it',
    looksNext: 'nobody',
    foundAs: [],
    asks: null,
  },
  {
    entity: 'bulk retry',
    states: ['running'],
    endsBy: 'all its payments are handed over and settled',
    looksNext: '`bulk-retry/{id}`',
    foundAs: ['bulk_retry_stalled'],
    asks: stuck,
  },
  {
    entity: 'bulk retry',
    states: ['paused'],
    endsBy: 'the operator resumes or cancels it',
    looksNext: 'nobody',
    foundAs: [],
    asks: null,
  },
  {
    entity: 'test clock',
    states: ['advancing'],
    endsBy: 'it arrives, or fails after `TEST_CLOCK_STALL_SECONDS` without progress',
    looksNext: '`test-clock/{id}`; the reconciliation starts one that is missing',
    foundAs: [],
    asks: null,
  },
  {
    entity: 'test clock',
    states: ['failed'],
    endsBy: 'the caller advances it again, or deletes it',
    looksNext: 'nobody',
    foundAs: [],
    asks: null,
  },
  {
    entity: 'webhook delivery',
    states: ['stored'],
    endsBy: 'the Payment Service uses it, or finds that it concerns nothing',
    looksNext: 'the consumer of `webhooks.received`; it is published again ever more rarely',
    foundAs: ['webhook_not_processed'],
    asks: stuck,
  },
  {
    entity: 'webhook delivery',
    states: ['failed'],
    endsBy: 'an operator replays it, or resolves its task',
    looksNext: 'an operator',
    foundAs: [],
    asks: { task: 'webhook_unreadable', after: 'at once' },
  },
  {
    entity: 'outbox event',
    states: ['unpublished'],
    endsBy: 'the relay publishes it',
    looksNext: 'the relay, at once; `perennial_outbox_oldest_seconds` shows its age',
    foundAs: ['outbox_unpublished'],
    asks: null,
  },
  {
    entity: 'outbox event',
    states: ['parked'],
    endsBy: 'an operator has it published',
    looksNext: 'an operator',
    foundAs: [],
    asks: { task: 'event_too_large', after: 'at once' },
  },
  {
    entity: 'dead letter',
    states: ['open'],
    endsBy: 'an operator redrives or discards it',
    looksNext: 'an operator; `perennial_dead_letters_open` counts them',
    foundAs: [],
    asks: null,
  },
  {
    entity: 'notification',
    states: ['sending'],
    endsBy: 'it is sent, skipped or failed; a lease of 2 minutes that runs out is taken over',
    looksNext: 'its consumer, with the record',
    foundAs: [],
    asks: null,
  },
  {
    entity: 'operator task',
    states: ['open'],
    endsBy: 'an operator resolves it, or what it asks is answered',
    looksNext: 'an operator',
    foundAs: [],
    asks: null,
  },
];
