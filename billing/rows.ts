/**
 * Rows as billing reads them: their types, the columns of hand-written statements, and the shapes that follow from them.
 *
 * A column that holds one of a few words has the domain's union as its type, a JSON column what our own code wrote into
 * it. Statements written by hand name the type; a row that was read through a Prisma model goes through its table's
 * function here (`paymentRow` …), which checks the words.
 */
import type { Actor, RecordedActor } from '../contracts/fields';
import type { Payment } from '../contracts/http/payments';
import { payment } from '../contracts/http/payments';
import { refund, type Refund } from '../contracts/http/refunds';
import { subscription, type Subscription } from '../contracts/http/subscriptions';
import { deliveryStatuses } from '../contracts/http/webhook-deliveries';
import type { ChangeCommand } from '../contracts/workflows/commands';
import { intervalUnits, type Interval } from '../domain/calendar';
import type { ChangeOfMoney } from '../domain/ledger/change';
import type { Taken } from '../domain/ledger/refund';
import type { LedgerState } from '../domain/ledger/state';
import {
  operatorTaskKinds,
  operatorTaskStatuses,
  operatorTaskSubjects,
  type OperatorTaskKind,
  type OperatorTaskStatus,
  type OperatorTaskSubject,
} from '../domain/payment/operator-task';
import {
  attemptStatuses,
  attemptTriggers,
  paymentKinds,
  paymentStatuses,
  settledBy,
  type AttemptStatus,
  type AttemptTrigger,
  type Failure,
  type NamedCharge,
  type NextAction,
  type PaymentKind,
  type PaymentStatus,
  type SettledBy,
} from '../domain/payment/payment';
import { refundStatuses, type RefundStatus } from '../domain/payment/refund';
import type { Pause } from '../domain/retry/pauses';
import type { RetryPlan } from '../domain/retry/planner';
import { finalActions, type FinalAction } from '../domain/retry/policy';
import type { NewTerms, PlanTerms } from '../domain/subscription/change';
import { refundModes, type RefundMode } from '../domain/subscription/commands';
import type { PendingChange, SubscriptionFacts } from '../domain/subscription/facts';
import type { Line } from '../domain/subscription/proration';
import { subscriptionStatuses, type SubscriptionStatus } from '../domain/subscription/subscription';
import { testClockStatuses, type TestClockStatus } from '../domain/test-clock';
import type { TraceContext } from '../domain/trace';
import { columnsOf } from '../prisma/columns';
import { Prisma } from '../prisma/generated/client';
import { rowsOf, type Stored, type Typed } from './row-types';

interface SubscriptionColumns {
  status: SubscriptionStatus;
  interval_unit: Interval['unit'];
  paused_from: SubscriptionFacts['paused_from'];
  pending_change: Stored<PendingChange> | null;
  waiting_lines: Stored<Line>[];
  ledger_state: Stored<LedgerState> | null;
  cancel_refund: RefundMode | null;
}
export type SubscriptionRow = Typed<Prisma.SubscriptionGetPayload<object>, SubscriptionColumns>;
export const subscriptionColumns = columnsOf(Prisma.SubscriptionScalarFieldEnum);
export const subscriptionRow = rowsOf<SubscriptionColumns>('subscriptions', {
  status: subscriptionStatuses,
  interval_unit: intervalUnits,
  paused_from: ['active', 'past_due'],
  cancel_refund: refundModes,
});

/** What a payment is to make of its subscription, kept in its row. */
export interface PaidChange {
  command: ChangeCommand;
  terms: { terms: NewTerms; pending: PendingChange | null };
  /** What it was reckoned with; left out of payments that are older than the ledger: they are overtaken. */
  money?: ChangeOfMoney;
  /** Of the ledger's state: another one, another version, or another period: too late, the money goes back. */
  revision?: number;
  base_version: number;
  period_index: number | null;
  /** Whether credit was set aside for it: no longer there, it is too late as well. Left out: none was. */
  holds_credit?: boolean;
}

interface PaymentColumns {
  kind: PaymentKind;
  status: PaymentStatus;
  lines: Stored<Line>[];
  next_action: Stored<NextAction> | null;
  pauses: Stored<Pause>[];
  change: Stored<PaidChange> | null;
  trace: Stored<TraceContext> | null;
}
export type PaymentRow = Typed<Prisma.PaymentGetPayload<object>, PaymentColumns>;
export const paymentColumns = columnsOf(Prisma.PaymentScalarFieldEnum);
export const paymentRow = rowsOf<PaymentColumns>('payments', { kind: paymentKinds, status: paymentStatuses });

interface AttemptColumns {
  trigger: AttemptTrigger;
  status: AttemptStatus;
  failure: Stored<Failure> | null;
  settled_by: SettledBy | null;
  named: Stored<Pick<NamedCharge, 'amount' | 'currency'>> | null;
  trace: Stored<TraceContext> | null;
}
export type AttemptRow = Typed<Prisma.PaymentAttemptGetPayload<object>, AttemptColumns>;
export const attemptColumns = columnsOf(Prisma.PaymentAttemptScalarFieldEnum);
export const attemptRow = rowsOf<AttemptColumns>('payment_attempts', {
  trigger: attemptTriggers,
  status: attemptStatuses,
  settled_by: settledBy,
});

interface RefundColumns {
  status: RefundStatus;
  requested_by: Stored<Actor>;
  taken: Stored<Taken> | null;
}
export type RefundRow = Typed<Prisma.RefundGetPayload<object>, RefundColumns>;
export const refundColumns = columnsOf(Prisma.RefundScalarFieldEnum);
export const refundRow = rowsOf<RefundColumns>('refunds', { status: refundStatuses });

export type PaymentMethodRow = Prisma.PaymentMethodGetPayload<object>;
export const paymentMethodColumns = columnsOf(Prisma.PaymentMethodScalarFieldEnum);

export type CustomerRow = Prisma.CustomerGetPayload<object>;
export const customerColumns = columnsOf(Prisma.CustomerScalarFieldEnum);

interface PlanColumns {
  interval_unit: Interval['unit'];
}
export type PlanRow = Typed<Prisma.PlanGetPayload<object>, PlanColumns>;
export const planColumns = columnsOf(Prisma.PlanScalarFieldEnum);
export const planRow = rowsOf<PlanColumns>('plans', { interval_unit: intervalUnits });

/** What an operator has decided. */
export interface Resolution {
  actor: Actor;
  reason: string;
  outcome: 'succeeded' | 'failed' | null;
}

interface TaskColumns {
  kind: OperatorTaskKind;
  subject_type: OperatorTaskSubject['type'];
  status: OperatorTaskStatus;
  resolution: Stored<Resolution> | null;
}
export type TaskRow = Typed<Prisma.OperatorTaskGetPayload<object>, TaskColumns>;
export const taskRow = rowsOf<TaskColumns>('operator_tasks', {
  kind: operatorTaskKinds,
  subject_type: operatorTaskSubjects,
  status: operatorTaskStatuses,
});

interface DeliveryColumns {
  status: (typeof deliveryStatuses)[number];
  trace: Stored<TraceContext> | null;
}
/** Without what is kept of the webhook for people. */
export type DeliveryRow = Typed<
  Prisma.WebhookDeliveryGetPayload<{ omit: { body: true; headers: true } }>,
  DeliveryColumns
>;
const { body: _body, headers: _headers, ...deliveryFields } = Prisma.WebhookDeliveryScalarFieldEnum;
export const deliveryColumns = columnsOf(deliveryFields);
export const deliveryRow = rowsOf<DeliveryColumns>('webhook_deliveries', { status: deliveryStatuses });

interface ClockColumns {
  status: TestClockStatus;
}
export type TestClockRow = Typed<Prisma.TestClockGetPayload<object>, ClockColumns>;
export const testClockColumns = columnsOf(Prisma.TestClockScalarFieldEnum);
export const testClockRow = rowsOf<ClockColumns>('test_clocks', { status: testClockStatuses });

interface PlannedColumns {
  kind: RetryPlan['kind'];
  final_action: FinalAction | null;
}
export type RetryPlanRow = Typed<Prisma.RetryPlanGetPayload<object>, PlannedColumns>;
export const retryPlanRow = rowsOf<PlannedColumns>('retry_plans', {
  kind: ['attempt', 'wait_for_payment_method', 'wait_for_customer', 'exhausted'],
  final_action: finalActions,
});

interface RequestColumns {
  status: 'requested' | 'attempted' | 'refused';
  actor: Stored<RecordedActor>;
  trace: Stored<TraceContext> | null;
}
export type RetryRequestRow = Typed<Prisma.RetryRequestGetPayload<object>, RequestColumns>;
export const retryRequestRow = rowsOf<RequestColumns>('retry_requests', {
  status: ['requested', 'attempted', 'refused'],
});

/** The snapshot of `contracts/http/subscriptions`. @throws ZodError when the row breaks the contract */
export function toSubscription(row: Prisma.SubscriptionGetPayload<object>): Subscription {
  return subscription.parse({
    ...row,
    amount: Number(row.amount),
    balance: Number(row.balance),
    interval: { unit: row.interval_unit, count: row.interval_count },
    billing_anchor: row.billing_anchor.toISOString(),
    start_at: row.start_at.toISOString(),
    period:
      row.period_index === null
        ? null
        : {
            index: row.period_index,
            start: row.period_start?.toISOString(),
            end: row.period_end?.toISOString(),
            paid: row.period_paid,
          },
    trial_end: instantOrNull(row.trial_end),
    cancel_at: instantOrNull(row.cancel_at),
    cancelled_at: instantOrNull(row.cancelled_at),
    paused_at: instantOrNull(row.paused_at),
    resume_at: instantOrNull(row.resume_at),
    created_at: row.created_at.toISOString(),
    recorded_at: instantOrNull(row.recorded_at),
  });
}

/** What the rules of a subscription look at. */
export function toFacts(row: Prisma.SubscriptionGetPayload<object>): SubscriptionFacts {
  const { pending_change, paused_from } = subscriptionRow(row);
  return {
    ...toSubscription(row),
    // With what the contract leaves out of it.
    pending_change,
    trial_days: row.trial_days,
    anchor_period_index: row.anchor_period_index,
    paused_from,
  };
}

/** What a plan's row says is sold. */
export function toPlanTerms(row: Prisma.PlanGetPayload<object>): PlanTerms {
  const interval = { unit: planRow(row).interval_unit, count: row.interval_count };
  return { ...row, amount: Number(row.amount), interval };
}

/** The payment's shape; `attempts` only when they are given. @throws ZodError when the row breaks the contract */
export function toPayment(
  row: Prisma.PaymentGetPayload<object>,
  attempts?: readonly Prisma.PaymentAttemptGetPayload<object>[],
): Payment {
  return payment.parse({
    ...row,
    amount: Number(row.amount),
    refunded_amount: Number(row.refunded_amount),
    disputed_amount: Number(row.disputed_amount),
    lost_amount: Number(row.lost_amount),
    next_attempt_at: instantOrNull(row.next_attempt_at),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    recorded_at: instantOrNull(row.recorded_at),
    attempts: attempts?.map((attempt) => ({ ...attempt, ...instantsOf(attempt) })),
  });
}

/** When an attempt began and had its outcome: by the customer's time, and when each was recorded. */
export function instantsOf(
  row: Pick<AttemptRow, 'began_at' | 'started_at' | 'settled_at' | 'settled_recorded_at'>,
) {
  return {
    started_at: (row.began_at ?? row.started_at).toISOString(),
    started_recorded_at: row.started_at.toISOString(),
    finished_at: instantOrNull(row.settled_at),
    finished_recorded_at: instantOrNull(row.settled_recorded_at),
  };
}

/** The refund's shape. @throws ZodError when the row breaks the contract */
export function toRefund(row: Prisma.RefundGetPayload<object>): Refund {
  return refund.parse({
    ...row,
    amount: Number(row.amount),
    at: (row.at ?? row.created_at).toISOString(),
    created_at: row.created_at.toISOString(),
  });
}

/** Why a failed attempt failed. @throws Error when its row does not say so */
export function failureOf({ payment_id, number, failure }: AttemptRow): Failure {
  if (failure === null) throw new Error(`attempt ${number} of ${payment_id} has no failure`);
  return failure;
}

/** Null stays null. */
export function instantOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}
