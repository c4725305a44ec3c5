/**
 * Routes that change a subscription: cancel, change, pause, resume, and what a change would cost.
 *
 * Invariants: the API writes no subscription; a command is carried out by the subscription's process and answered from
 * the row that it wrote; the preview asks the same rule as the change.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import {
  cancelSubscription,
  changePreview,
  changeSubscription,
  pauseSubscription,
  resumeSubscription,
  subscription,
  type CancelSubscription,
  type ChangePreview,
  type ChangeSubscription,
  type PauseSubscription,
} from '../../contracts/http/subscriptions';
import type { SubscriptionCommands } from '../../contracts/workflows/commands';
import { idOfRequest } from '../../domain/ids';
import { periodAmount } from '../../domain/money';
import { isFinal } from '../../domain/subscription/subscription';
import { decideChange, previewChange } from '../../domain/subscription/change';
import { refusedFinal, type Refusal } from '../../domain/subscription/commands';
import { timesFor } from '../../billing/clock';
import type { Prisma } from '../../prisma/generated/client';
import { toFacts, toPlanTerms, toSubscription } from '../../billing/rows';
import type { ApiDependencies } from '../http/dependencies';
import { readIfMatch } from '../http/preconditions';
import { ProblemError, notFound, validationFailed } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';

const tag = 'Subscriptions';
const answerWithinMs = 10_000;
const subscriptionParams = z.object({ subscription_id: id });
type SubscriptionCall<Query, Body> = Call<z.output<typeof subscriptionParams>, Query, Body>;
type SubscriptionRow = Prisma.SubscriptionGetPayload<object>;

async function read(
  call: SubscriptionCall<unknown, unknown>,
  { db }: ApiDependencies,
): Promise<SubscriptionRow> {
  const row = await db.subscription.findUnique({ where: { id: call.params.subscription_id } });
  if (row === null) throw notFound('subscription');
  return row;
}

/** Has the process carry it out. @returns the row afterwards */
async function execute<Name extends keyof SubscriptionCommands>(
  call: SubscriptionCall<unknown, unknown>,
  deps: ApiDependencies,
  name: Name,
  given: Omit<SubscriptionCommands[Name], 'command_id' | 'actor' | 'traceparent'>,
): Promise<SubscriptionRow> {
  const { caller, reason, idempotencyKey, requestId, traceparent } = call;
  const subscriptionId = call.params.subscription_id;
  // Callers may repeat a request id; the asking must be a new one each time.
  const asking = `${requestId}/${deps.newUuid()}`;
  const command = {
    ...given,
    command_id: `${subscriptionId}/${name}/${idempotencyKey === null ? asking : idOfRequest('subscription', caller.id, idempotencyKey)}`,
    actor: { kind: 'api_key', id: caller.id, reason },
    traceparent,
  } as unknown as SubscriptionCommands[Name];
  await deps.process.command(subscriptionId, name, command, asking);
  return deps.db.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
}

/** Nothing is asked of a process that has ended. */
function refuseFinal(row: SubscriptionRow, verb: string): void {
  const { status } = toFacts(row);
  if (isFinal(status)) throw problemOf(refusedFinal(status, verb));
}

function problemOf({ code, detail, reason }: Refusal): ProblemError {
  return code === 'validation_failed'
    ? validationFailed([{ path: reason, message: detail }])
    : new ProblemError(code, detail, { reason });
}

const answered = (row: SubscriptionRow): Answer => ({
  status: 200,
  body: toSubscription(row),
  headers: { ETag: `"${row.version}"` },
});

async function cancel(
  call: SubscriptionCall<CancelSubscription, unknown>,
  deps: ApiDependencies,
): Promise<Answer> {
  const row = await read(call, deps);
  if (row.status === 'cancelled') {
    // The first caller may have got no answer, and the process not have heard the end of its own step.
    await deps.process.wake(row.id);
    return answered(row);
  }
  refuseFinal(row, 'cancelled');
  const { mode, refund, reason = null } = call.query;
  return answered(await execute(call, deps, 'cancel', { mode, refund, reason }));
}

async function change(
  call: SubscriptionCall<unknown, ChangeSubscription>,
  deps: ApiDependencies,
): Promise<Answer> {
  refuseFinal(await read(call, deps), 'changed');
  const { body } = call;
  const row = await execute(call, deps, 'change', {
    plan_id: body.plan_id ?? null,
    quantity: body.quantity ?? null,
    payment_method_id: body.payment_method_id ?? null,
    metadata: body.metadata ?? null,
    cancel_at_period_end: body.cancel_at_period_end ?? null,
    effective: body.effective ?? 'now',
    proration: body.proration ?? 'next_renewal',
    if_version: readIfMatch(call.ifMatch),
    answer_within_ms: answerWithinMs,
  });
  const waits = toFacts(row).pending_change?.effective === 'when_paid';
  return { ...answered(row), status: waits ? 202 : 200 };
}

async function preview(
  call: SubscriptionCall<unknown, ChangeSubscription>,
  deps: ApiDependencies,
): Promise<Answer> {
  const row = await read(call, deps);
  const { db } = deps;
  const { body } = call;
  refuseFinal(row, 'changed');
  const current = toPlanTerms(await db.plan.findUniqueOrThrow({ where: { id: row.plan_id } }));
  const wanted =
    body.plan_id === undefined ? null : await db.plan.findUnique({ where: { id: body.plan_id } });
  if (body.plan_id !== undefined && wanted === null) {
    throw validationFailed([{ path: 'plan_id', message: 'must be the id of a plan' }]);
  }
  const plan = wanted && toPlanTerms(wanted);
  const { now } = await timesFor(db, row.test_clock_id);
  const { quantity = null, effective = 'now', proration = 'next_renewal' } = body;
  const decision = decideChange(
    toFacts(row),
    current,
    { plan, quantity, effective, proration },
    now.toISOString(),
  );
  if (decision.kind === 'refused') throw problemOf(decision);
  const nextPrice = periodAmount((plan ?? current).amount, quantity ?? row.quantity) ?? 0;
  const { lines, due_now, next_renewal } = previewChange(toFacts(row), decision, nextPrice);
  const { currency } = row;
  const shown: ChangePreview = {
    lines,
    due_now: { amount: due_now, currency },
    next_renewal: next_renewal && { ...next_renewal, currency },
  };
  return { status: 200, body: shown };
}

async function pause(
  call: SubscriptionCall<unknown, PauseSubscription>,
  deps: ApiDependencies,
): Promise<Answer> {
  refuseFinal(await read(call, deps), 'paused');
  const at = call.body.resume_at;
  const resume_at = at === undefined ? null : new Date(at).toISOString();
  return answered(await execute(call, deps, 'pause', { resume_at }));
}

async function resume(call: SubscriptionCall<unknown, unknown>, deps: ApiDependencies): Promise<Answer> {
  refuseFinal(await read(call, deps), 'resumed');
  return answered(await execute(call, deps, 'resume', {}));
}

export const subscriptionCommandRoutes = [
  route({
    method: 'put',
    path: '/subscriptions/{subscription_id}',
    operationId: 'changeSubscription',
    tag,
    summary: 'Change a subscription',
    description:
      'Fields that are left out stay. With `proration: charge_now` the difference is charged first: declined, nothing ' +
      'changes; still open after 10 s, 202 with `pending_change`. `If-Match: "<version>"` refuses another version.',
    scope: 'subscriptions:write',
    params: subscriptionParams,
    body: changeSubscription,
    honoursIfMatch: true,
    answers: {
      200: { description: 'The subscription.', schema: subscription },
      202: { description: 'The change waits for its payment.', schema: subscription },
    },
    problems: [
      'not_found',
      'subscription_final',
      'subscription_state',
      'version_mismatch',
      'payment_declined',
    ],
    handle: change,
  }),
  route({
    method: 'post',
    path: '/subscriptions/{subscription_id}/change-preview',
    operationId: 'previewChange',
    tag,
    summary: 'What a change would cost now and at the next renewal',
    scope: 'subscriptions:read',
    params: subscriptionParams,
    body: changeSubscription,
    answers: { 200: { description: 'Lines and amounts; nothing is changed.', schema: changePreview } },
    problems: ['not_found', 'subscription_final', 'subscription_state'],
    handle: preview,
  }),
  route({
    method: 'post',
    path: '/subscriptions/{subscription_id}/pause',
    operationId: 'pauseSubscription',
    tag,
    summary: 'Pause a subscription',
    description: 'No period opens and nothing is collected until it is resumed, by `resume_at` or by a call.',
    scope: 'subscriptions:write',
    params: subscriptionParams,
    body: pauseSubscription,
    bodyOptional: true,
    answers: { 200: { description: 'The paused subscription.', schema: subscription } },
    problems: ['not_found', 'subscription_final', 'subscription_state'],
    handle: pause,
  }),
  route({
    method: 'post',
    path: '/subscriptions/{subscription_id}/resume',
    operationId: 'resumeSubscription',
    tag,
    summary: 'Resume a paused subscription',
    description:
      'A paid period goes on; after its end a new one opens at once, with a new anchor, and is charged.',
    scope: 'subscriptions:write',
    params: subscriptionParams,
    body: resumeSubscription,
    bodyOptional: true,
    answers: { 200: { description: 'The subscription.', schema: subscription } },
    problems: ['not_found', 'subscription_final', 'subscription_state'],
    handle: resume,
  }),
  route({
    method: 'delete',
    path: '/subscriptions/{subscription_id}',
    operationId: 'cancelSubscription',
    tag,
    summary: 'Cancel a subscription',
    description:
      '`now`: no charge begins after the answer; `refund` gives back the unused part of the paid period, or all of ' +
      'it. `period_end`: at the end of the period in progress. Again: 200, unchanged; a stronger mode applies.',
    scope: 'subscriptions:write',
    params: subscriptionParams,
    query: cancelSubscription,
    answers: { 200: { description: 'The subscription.', schema: subscription } },
    problems: ['not_found', 'subscription_final'],
    handle: cancel,
  }),
];
