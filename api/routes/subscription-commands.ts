/**
 * Routes that change a subscription: cancel, change, pause, resume, and what a change would cost.
 *
 * Invariant: the API writes no subscription; the subscription's process executes a command, and the answer is the row
 * that it wrote.
 */
import { z } from 'zod';
import { actorOf } from '../../access/authentication';
import { detachTexts } from '../../billing/command-texts';
import { previewChange } from '../../billing/subscription/preview-change';
import {
  readSubscription,
  refuseFinal,
  refuseOtherRefund,
  wasCommandExecuted,
} from '../../billing/subscription/subscriptions';
import { id } from '../../contracts/fields';
import {
  cancelSubscription,
  changePreview,
  changeSubscription,
  pauseSubscription,
  resumeSubscription,
  subscription,
  type CancelSubscription,
  type ChangeSubscription,
  type PauseSubscription,
  type Subscription,
} from '../../contracts/http/subscriptions';
import { ProblemError } from '../../contracts/problem-error';
import type { SubscriptionCommands, Traced } from '../../contracts/workflows/commands';
import { idOfRequest } from '../../domain/ids';
import type { Recovery } from '../../temporal/requests';
import type { ApiDependencies } from '../http/dependencies';
import { readIfMatch, versionTag } from '../http/preconditions';
import { route, updateIdOf, type Answer, type Call } from '../http/route';

const tag = 'Subscriptions';
const answerWithinMs = 10_000;
const subscriptionParams = z.object({ subscription_id: id });
type SubscriptionCall<Query, Body> = Call<z.output<typeof subscriptionParams>, Query, Body>;
type AnyCall = SubscriptionCall<unknown, unknown>;

/** What every command has. */
type Head = Pick<SubscriptionCommands['cancel'], 'command_id' | 'actor' | keyof Traced>;

const readSubject = ({ params }: AnyCall, { db }: ApiDependencies): Promise<Subscription> =>
  readSubscription(db, params.subscription_id);

/**
 * Has the process execute a command. One that was executed although its process did not report it is answered by the row.
 * @param recovery what the caller can do when the outcome stays open
 * @returns the subscription afterwards
 */
async function execute<Name extends keyof SubscriptionCommands>(
  call: AnyCall,
  deps: ApiDependencies,
  name: Name,
  recovery: Recovery,
  commandOf: (head: Head) => SubscriptionCommands[Name],
): Promise<Subscription> {
  const { caller, reason, idempotencyKey, trace } = call;
  const subscriptionId = call.params.subscription_id;
  const updateId = updateIdOf(call, deps);
  const requestName =
    idempotencyKey === null ? updateId : idOfRequest('subscription', caller.id, idempotencyKey);
  const complete = commandOf({
    command_id: `${subscriptionId}/${name}/${requestName}`,
    actor: actorOf(caller, reason),
    ...trace,
  });
  const owner = { id: deps.newUuid(), subject: { type: 'subscription', id: subscriptionId } } as const;
  const command = await detachTexts(deps.db, owner, complete);
  try {
    await deps.process.command(subscriptionId, name, command, updateId, recovery);
  } catch (error) {
    if (!(await wasExecutedAllTheSame(deps, command.command_id, error))) throw error;
  }
  return readSubscription(deps.db, subscriptionId);
}

async function wasExecutedAllTheSame(
  { db }: ApiDependencies,
  commandId: string,
  error: unknown,
): Promise<boolean> {
  const isOpen =
    error instanceof ProblemError && (error.code === 'unavailable' || error.code === 'too_many_requests');
  return isOpen && wasCommandExecuted(db, commandId);
}

const answered = (changed: Subscription): Answer => ({
  status: 200,
  body: changed,
  headers: versionTag(changed.version),
});

async function cancel(
  call: SubscriptionCall<CancelSubscription, unknown>,
  deps: ApiDependencies,
): Promise<Answer> {
  const before = await readSubject(call, deps);
  if (before.status === 'cancelled') {
    // The first caller may have got no answer, and the process may not know the end of its own step.
    await deps.process.wake(before.id);
    await refuseOtherRefund(deps.db, before.id, call.query);
    return answered(before);
  }
  refuseFinal(before, 'cancelled');
  const { mode, refund, reason = null } = call.query;
  return answered(await execute(call, deps, 'cancel', 'read', (head) => ({ ...head, mode, refund, reason })));
}

async function change(
  call: SubscriptionCall<unknown, ChangeSubscription>,
  deps: ApiDependencies,
): Promise<Answer> {
  refuseFinal(await readSubject(call, deps), 'changed');
  const { body } = call;
  const if_version = readIfMatch(call.ifMatch);
  const changed = await execute(call, deps, 'change', 'read', (head) => ({
    ...head,
    plan_id: body.plan_id ?? null,
    quantity: body.quantity ?? null,
    payment_method_id: body.payment_method_id ?? null,
    metadata: body.metadata ?? null,
    cancel_at_period_end: body.cancel_at_period_end ?? null,
    effective: body.effective ?? 'now',
    proration: body.proration ?? 'next_renewal',
    cancel_change: body.cancel_change ?? false,
    as_of: body.as_of ?? null,
    if_version,
    answer_within_ms: answerWithinMs,
  }));
  const waits = changed.pending_change?.effective === 'when_paid';
  return { ...answered(changed), status: waits ? 202 : 200 };
}

async function pause(
  call: SubscriptionCall<unknown, PauseSubscription>,
  deps: ApiDependencies,
): Promise<Answer> {
  refuseFinal(await readSubject(call, deps), 'paused');
  const at = call.body.resume_at;
  const resume_at = at === undefined ? null : new Date(at).toISOString();
  return answered(await execute(call, deps, 'pause', 'same_key', (head) => ({ ...head, resume_at })));
}

async function resume(call: AnyCall, deps: ApiDependencies): Promise<Answer> {
  refuseFinal(await readSubject(call, deps), 'resumed');
  return answered(await execute(call, deps, 'resume', 'same_key', (head) => head));
}

export const subscriptionCommandRoutes = [
  route({
    method: 'put',
    path: '/subscriptions/{subscription_id}',
    operationId: 'changeSubscription',
    tag,
    summary: 'Change a subscription',
    description:
      'Fields that are left out stay. While the first payment is open, another `payment_method_id` is charged in place of ' +
      'the open attempt, which is cancelled at the provider. With `proration: charge_now` the difference is charged first: declined, nothing ' +
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
      'too_many_requests',
    ],
    handle: change,
  }),
  route({
    method: 'post',
    path: '/subscriptions/{subscription_id}/change-preview',
    operationId: 'previewChange',
    tag,
    summary: 'What a change would cost now and at the next renewal',
    description:
      'The change costs this when it names the same `as_of` within 10 minutes, and nothing has changed meanwhile.',
    scope: 'subscriptions:read',
    params: subscriptionParams,
    body: changeSubscription,
    answers: { 200: { description: 'Lines and amounts; nothing is changed.', schema: changePreview } },
    problems: ['not_found', 'subscription_final', 'subscription_state'],
    async handle({ params, body }, { db, providers }) {
      return { status: 200, body: await previewChange(db, providers, params.subscription_id, body) };
    },
  }),
  route({
    method: 'post',
    path: '/subscriptions/{subscription_id}/pause',
    operationId: 'pauseSubscription',
    tag,
    summary: 'Pause a subscription',
    description: 'No period opens and nothing is charged until it is resumed, by `resume_at` or by a call.',
    scope: 'subscriptions:write',
    params: subscriptionParams,
    body: pauseSubscription,
    bodyOptional: true,
    answers: { 200: { description: 'The paused subscription.', schema: subscription } },
    problems: ['not_found', 'subscription_final', 'subscription_state', 'too_many_requests'],
    handle: pause,
  }),
  route({
    method: 'post',
    path: '/subscriptions/{subscription_id}/resume',
    operationId: 'resumeSubscription',
    tag,
    summary: 'Resume a paused subscription',
    description:
      'A paid period continues; after its end a new one opens at once, with a new anchor, and is charged.',
    scope: 'subscriptions:write',
    params: subscriptionParams,
    body: resumeSubscription,
    bodyOptional: true,
    answers: { 200: { description: 'The subscription.', schema: subscription } },
    problems: ['not_found', 'subscription_final', 'subscription_state', 'too_many_requests'],
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
    problems: ['not_found', 'subscription_final', 'too_many_requests'],
    handle: cancel,
  }),
];
