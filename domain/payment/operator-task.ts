/** Operator tasks: what a person may be asked about, and of what. Pure. */

export const operatorTaskKinds = [
  'unknown_outcome',
  'amount_mismatch',
  'second_success',
  'dispute',
  'refund_failed',
  'event_too_large',
  'ledger_opening',
  'webhook_unreadable',
  'stuck_work',
  'renewal_failed',
] as const;
export type OperatorTaskKind = (typeof operatorTaskKinds)[number];

export const operatorTaskStatuses = ['open', 'resolved'] as const;
export type OperatorTaskStatus = (typeof operatorTaskStatuses)[number];

export const operatorTaskSubjects = [
  'payment',
  'refund',
  'subscription',
  'event',
  'webhook_delivery',
  'bulk_retry',
] as const;

export interface OperatorTaskSubject {
  type: (typeof operatorTaskSubjects)[number];
  id: string;
}
