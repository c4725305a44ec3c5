/**
 * Messages to workflows, as plain data: a function of billing returns them, and its caller sends them after the commit
 * (`temporal/send.ts`). A message is a prompt only: whoever receives it decides by the rows, so a message that is sent
 * twice, or late, does no harm.
 */
import type { ClockAdvanced, DunningStarted, FirstPaymentSettled, PaymentCompleted } from './commands';

export type WorkflowMessage =
  /** Started when it does not run: it was left half done. */
  | { kind: 'repair_subscription'; subscription_id: string }
  /** Only if its process runs: it shows something else now, or has ended. */
  | { kind: 'look'; subscription_id: string }
  | { kind: 'payment_completed'; subscription_id: string; payload: PaymentCompleted }
  | { kind: 'first_payment_settled'; subscription_id: string; payload: FirstPaymentSettled }
  | { kind: 'dunning_started'; subscription_id: string; payload: DunningStarted }
  | { kind: 'start_payment'; payment_id: string }
  | { kind: 'refresh_payment'; payment_id: string }
  /** Only if its process runs. */
  | { kind: 'refresh_running_payment'; payment_id: string }
  | { kind: 'cancel_payment'; payment_id: string; reason: string }
  | { kind: 'advance_payment_clock'; payment_id: string; payload: ClockAdvanced }
  | { kind: 'start_retry'; payment_id: string; reason: RetryReason }
  /** Only if its process runs. */
  | { kind: 'wake_retry'; payment_id: string; reason: 'settled' }
  | { kind: 'start_bulk_retry'; bulk_retry_id: string };

/** Why `retry/{payment_id}` is started or woken: the name of its signal. */
export type RetryReason = 'failed' | 'manualRetry' | 'clockAdvanced' | 'paymentMethodChanged' | 'release';
