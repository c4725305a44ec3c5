/** Operator tasks: what a person may be asked about, and of what. Pure. */

export const operatorTaskKinds = [
  'unknown_outcome',
  'amount_mismatch',
  'second_success',
  'dispute',
  'refund_failed',
  'event_too_large',
] as const;
export type OperatorTaskKind = (typeof operatorTaskKinds)[number];

export interface OperatorTaskSubject {
  type: 'payment' | 'refund' | 'subscription' | 'event';
  id: string;
}
