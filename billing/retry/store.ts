/** Statements over the plan of a failed payment's retry, and over manual retry requests. */
import type { RetryPlan } from '../../domain/retry/planner';
import type { Database, Transaction } from '../../prisma/client';
import { columnsOf } from '../../prisma/columns';
import { Prisma } from '../../prisma/generated/client';
import { sql } from '../../prisma/sql';
import type { CustomerRow, RetryPlanRow, RetryRequestRow } from '../rows';

const retryRequestColumns = columnsOf(Prisma.RetryRequestScalarFieldEnum);
const retryPlanColumns = columnsOf(Prisma.RetryPlanScalarFieldEnum);

/** The columns of a customer that a retry follows. */
export type RetriedCustomer = Pick<CustomerRow, 'test_clock_id' | 'time_zone'>;

/** @throws Error when there is no such customer */
export async function customerOf(tx: Transaction, customerId: string): Promise<RetriedCustomer> {
  const [row] = await sql(tx).query<RetriedCustomer[]>`
    SELECT test_clock_id, time_zone FROM customers WHERE id = ${customerId}`;
  if (row === undefined) throw new Error(`customer ${customerId} does not exist`);
  return row;
}

/** The plan that holds for a payment; null: none was made. */
export async function latestPlan(tx: Transaction, paymentId: string): Promise<RetryPlanRow | null> {
  const [row] = await sql(tx).query<RetryPlanRow[]>`
    SELECT ${retryPlanColumns} FROM retry_plans WHERE payment_id = ${paymentId} ORDER BY sequence DESC LIMIT 1`;
  return row ?? null;
}

export interface NewPlan {
  payment_id: string;
  sequence: number;
  after_attempt: number;
  /** What would be charged; null: nothing. */
  payment_method_id: string | null;
  plan: RetryPlan;
  policy: { id: string; version: number };
  created_at: Date;
}

/** When the attempt or the final action of a plan is due, or until when it waits. */
export function plannedFor(plan: RetryPlan): Date {
  return new Date('until' in plan ? plan.until : plan.at);
}

export function enqueuePlan(tx: Transaction, { plan, policy, ...row }: NewPlan): void {
  const at = plannedFor(plan);
  const finalAction = plan.kind === 'exhausted' ? plan.final_action : null;
  sql(tx).enqueue`
    INSERT INTO retry_plans (payment_id, sequence, after_attempt, kind, at, reason, final_action, payment_method_id,
      policy_id, policy_version, created_at)
    VALUES (${row.payment_id}, ${row.sequence}, ${row.after_attempt}, ${plan.kind}, ${at}, ${plan.reason},
      ${finalAction}, ${row.payment_method_id}, ${policy.id}, ${policy.version}, ${row.created_at})`;
}

/** Records that a plan was made again with another method, and stays as it is. */
export function enqueuePlannedMethod(
  tx: Transaction,
  { payment_id, sequence }: Pick<RetryPlanRow, 'payment_id' | 'sequence'>,
  methodId: string | null,
): void {
  sql(tx).enqueue`
    UPDATE retry_plans SET payment_method_id = ${methodId} WHERE payment_id = ${payment_id} AND sequence = ${sequence}`;
}

/** Shows the next attempt and the next notification in the payment's row. */
export function enqueueNextSteps(
  tx: Transaction,
  paymentId: string,
  next: { attemptAt: Date | null; noticeAt: Date | null },
): void {
  sql(tx).enqueue`
    UPDATE payments SET next_attempt_at = ${next.attemptAt}, next_notice_at = ${next.noticeAt} WHERE id = ${paymentId}`;
}

/** Reads a request. Null when there is none. */
export async function findRequest(
  on: Database | Transaction,
  requestId: string,
): Promise<RetryRequestRow | null> {
  const [row] = await sql(on).query<RetryRequestRow[]>`
    SELECT ${retryRequestColumns} FROM retry_requests WHERE id = ${requestId}`;
  return row ?? null;
}

export type NewRequest = Pick<
  RetryRequestRow,
  'id' | 'payment_id' | 'payment_method_id' | 'reason' | 'actor' | 'trace'
>;

/** Writes a request. @returns false when there is one of its id; nothing is written then */
export async function insertRequest(tx: Transaction, request: NewRequest): Promise<boolean> {
  const { id, payment_id, payment_method_id, reason, actor, trace } = request;
  const written = await sql(tx).execute`
    INSERT INTO retry_requests (id, payment_id, payment_method_id, reason, actor, trace)
    VALUES (${id}, ${payment_id}, ${payment_method_id}, ${reason}, ${JSON.stringify(actor)}::jsonb,
      ${JSON.stringify(trace)}::jsonb)
    ON CONFLICT DO NOTHING`;
  return written > 0;
}

/** The requests for a payment that are not settled, oldest first. */
export function openRequests(tx: Transaction, paymentId: string): Promise<RetryRequestRow[]> {
  return sql(tx).query<RetryRequestRow[]>`
    SELECT ${retryRequestColumns} FROM retry_requests WHERE payment_id = ${paymentId} AND settled_at IS NULL
    ORDER BY requested_at, id`;
}

/** Records the attempt that a request leads to. */
export function enqueueAttemptOfRequest(tx: Transaction, requestId: string, number: number): void {
  sql(tx).enqueue`UPDATE retry_requests SET attempt = ${number} WHERE id = ${requestId}`;
}

/** Refuses an open request. */
export function enqueueRefusal(tx: Transaction, requestId: string, refusal: string, at: Date): void {
  sql(tx).enqueue`
    UPDATE retry_requests SET status = 'refused', refusal = ${refusal}, attempt = NULL, settled_at = ${at}
    WHERE id = ${requestId} AND settled_at IS NULL`;
}

/** Settles an open request whose attempt was made. */
export function enqueueAttempted(tx: Transaction, requestId: string, at: Date): void {
  sql(tx).enqueue`
    UPDATE retry_requests SET status = 'attempted', settled_at = ${at} WHERE id = ${requestId} AND settled_at IS NULL`;
}

/** Whether an attempt with the payment method began at an instant or later. @param methodId undefined: with any */
export async function wasAttemptedSince(
  tx: Transaction,
  paymentId: string,
  methodId: string | undefined,
  since: Date,
): Promise<boolean> {
  const withMethod = methodId === undefined ? Prisma.empty : Prisma.sql`AND payment_method_id = ${methodId}`;
  const rows = await sql(tx).query<object[]>`
    SELECT 1 FROM payment_attempts WHERE payment_id = ${paymentId} AND started_at >= ${since} ${withMethod} LIMIT 1`;
  return rows.length > 0;
}
