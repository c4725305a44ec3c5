/**
 * What the API asks of the process of a subscription. Plain JSON: it travels as the input of workflows and updates.
 *
 * Instants are RFC 3339 UTC. `command_id` names the asking: the same one never has a second effect.
 */
import type { SettledOutcome } from '../../domain/payment/payment';
import type { ChangeEffect, Proration } from '../../domain/subscription/change';
import type { BulkRetryCommand } from '../../domain/retry/bulk-retry';
import type { FinalAction } from '../../domain/retry/policy';
import type { CancelMode, RefundMode } from '../../domain/subscription/commands';
import type { RenewalMember, RenewalRunProgress, WaitingMember } from '../../domain/renewal/run';
import type { TraceContext } from '../../domain/trace';
import type { Actor } from '../fields';

/** W3C trace context of what a message follows from; left out by what begins by itself, and by older versions. */
export type Traced = Partial<TraceContext>;

/** Histories hold no free text: that of a command lies in the row `texts_id`; left out: there is none. */
interface Texted {
  texts_id?: string;
}

/** What of a command may be free text, which is never part of what is sent. */
export interface CommandWithTexts extends Texted {
  metadata?: Record<string, string> | null;
  reason?: string | null;
  actor?: Actor;
}

/** Everything that a creation needs; part of the start arguments, since only those survive from the first instant. */
export interface SubscriptionCreation extends Traced, Texted {
  subscription_id: string;
  customer_id: string;
  plan_id: string;
  quantity: number;
  payment_method_id: string | null;
  /** null: the plan's. */
  trial_days: number | null;
  start_at: string | null;
  /** null: the customer's. */
  time_zone: string | null;
  retry_policy_id: string | null;
  /** null: none. */
  metadata: Record<string, string> | null;
  actor: Actor;
  command_id: string;
  /** Later than this (database clock) nothing is created: the caller was told long before that it failed. */
  accept_by: string;
  /** How long the caller waits for the first payment's outcome, milliseconds from the start of the process. */
  answer_within_ms: number;
}

/** Start arguments of `subscription/{id}`. Without `creation` the process adopts the row that exists. */
export interface SubscriptionInput {
  subscription_id: string;
  creation: SubscriptionCreation | null;
}

/** What every command says about its asking. */
interface Command extends Traced, Texted {
  command_id: string;
  actor: Actor;
}

export interface CancelCommand extends Command {
  mode: CancelMode;
  refund: RefundMode;
  reason: string | null;
}

/** Whatever is null stays as it is. */
export interface ChangeCommand extends Command {
  plan_id: string | null;
  quantity: number | null;
  payment_method_id: string | null;
  metadata: Record<string, string> | null;
  cancel_at_period_end: boolean | null;
  effective: ChangeEffect;
  proration: Proration;
  /** Drops the change that waits for the period's end; left out: it stays. */
  cancel_change?: boolean;
  /** The instant that a preview reckoned with; left out: now. */
  as_of?: string | null;
  /** Refused with `version_mismatch` when the subscription is another version. */
  if_version: number | null;
  /** How long the caller waits for the charge of the change, milliseconds. */
  answer_within_ms: number;
}

export interface PauseCommand extends Command {
  /** null: until somebody resumes it. */
  resume_at: string | null;
}

export type ResumeCommand = Command;

/** The commands to a subscription that exists, by the name of the update. */
export interface SubscriptionCommands {
  cancel: CancelCommand;
  change: ChangeCommand;
  pause: PauseCommand;
  resume: ResumeCommand;
}

/** Signal `look`: another has changed the row. */
export interface Look {
  /** Or has left something half done. */
  repair?: boolean;
}

/** Signal `paymentCompleted`: the row says that the payment is completed and its period is not yet paid. */
export interface PaymentCompleted {
  payment_id: string;
  period_index: number | null;
}

/** Signal `dunningStarted`: a renewal's payment failed and is being retried. */
export interface DunningStarted {
  payment_id: string;
  period_index: number;
}

/** Signal `dunningExhausted`: nothing more is tried. */
export interface DunningExhausted extends DunningStarted {
  final_action: FinalAction;
}

/** What `awaitCreated` says: `concluded`, read the row; `too_late`, nothing was written and nothing charged. */
export type CreationResult = 'concluded' | 'too_late';

/** Start arguments of `retry/{payment_id}`. */
export interface RetryInput {
  payment_id: string;
}

/** Start arguments of `renewal-run/{id}`. */
export interface RenewalRunInput {
  run_id: string;
  /** Each subscription once. */
  members: RenewalMember[];
  /** Of the run that this one continues: whom it left, and how far it was. */
  left?: WaitingMember[];
  progress?: RenewalRunProgress;
}

/** Start arguments of `renewal-scheduler/{shard}`. */
export interface RenewalSchedulerInput {
  shard: number;
}

/** Start arguments of `payment/{id}`. */
export interface PaymentInput extends Traced {
  payment_id: string;
  /** Hours that a first payment may wait for its customer. */
  incomplete_hours: number;
  /** When the provider is first asked about an unknown outcome; left out: a minute. */
  first_lookup_seconds?: number;
  /** Of the run that this one continues. */
  refund_calls?: RefundCalls;
}

/** Calls of the provider for refunds that are not settled, by refund: how many, and when the next is due. */
export type RefundCalls = Record<string, { count: number; nextAtMs: number }>;

/** How long the follow-up of an open payment waits, by the settings. */
export interface FollowUpTimes {
  /** For the customer of a first payment. */
  incompleteHours: number;
  /** Before it asks the provider about an unknown outcome for the first time; left out: a minute. */
  firstLookupSeconds?: number;
}

/** Signal `firstPaymentSettled`. */
export interface FirstPaymentSettled {
  payment_id: string;
  outcome: SettledOutcome['status'];
}

/** Update `refund` to `payment/{id}`; the same `refund_id` is paid once. */
export interface RefundCommand extends Traced, Texted {
  refund_id: string;
  /** Minor units; null: all that is left. */
  amount: number | null;
  reason: string;
  actor: Actor;
}

/** Signal `cancel` to `payment/{id}`. */
export interface CancelPayment extends Traced, Texted {
  reason: string;
}

/** Start arguments of `test-clock/{id}`. */
export interface TestClockInput {
  clock_id: string;
}

/** Update `advance` of a test clock. */
export interface AdvanceClock {
  to: string;
}

/** Start arguments of `bulk-retry/{id}`. */
export interface BulkRetryInput {
  bulk_retry_id: string;
}

export type { BulkRetryCommand };

/** Updates `pause`, `resume` and `cancel` of a bulk retry. */
export interface DecideBulkRetry extends Traced, Texted {
  actor: Actor;
}

/** Signal `clockAdvanced`: the customer's test clock says so much. */
export interface ClockAdvanced {
  now: string;
}
