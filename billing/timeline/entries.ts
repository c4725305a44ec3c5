/**
 * The entries of a timeline, each from its row.
 *
 * Owns their `data`, which is for programs. Does not own the sentences (`domain/timeline/titles.ts`). Invariants: no
 * secret, token or personal data is in an entry. When it happened, and when it was recorded, is said by its place.
 */
import { actor, recordedActor, systemActor } from '../../contracts/fields';
import { subscription, type Subscription } from '../../contracts/http/subscriptions';
import type { TimelineEntry } from '../../contracts/http/timeline';
import { subscriptionChanges } from '../../domain/subscription/subscription';
import { changeTitle } from '../../domain/timeline/changes';
import * as titles from '../../domain/timeline/titles';
import type { Prisma } from '../../prisma/generated/client';
import {
  instantOrNull,
  instantsOf,
  type AttemptRow,
  type RefundRow,
  type Resolution,
  type RetryPlanRow,
  type RetryRequestRow,
  type TaskRow,
} from '../rows';

/** An entry without its instants, which its place has. */
export type EntryBody = Omit<TimelineEntry, 'at' | 'recorded_at'>;

const previousFields = subscription.partial();
const retryService = systemActor('retry-service');

export const entryOf = {
  webhook_delivery(
    row: Prisma.WebhookDeliveryGetPayload<{ omit: { body: true; headers: true; event: true } }>,
  ): EntryBody {
    const { id, provider, provider_event_id, event_type, payment_id, status, outcome, replays } = row;
    return {
      kind: 'webhook',
      title: titles.webhookTitle(provider, event_type, outcome),
      actor: { kind: 'external', id: provider, reason: null },
      ref: { type: 'webhook_delivery', id },
      data: {
        provider,
        provider_event_id,
        event_type,
        payment_id,
        status,
        outcome,
        replays,
        processed_at: instantOrNull(row.processed_at),
      },
    };
  },

  /** @param runId the renewal run of its payment */
  attempt(row: AttemptRow, runId: string | null): EntryBody {
    const { payment_id, number, currency, status, failure } = row;
    const amount = Number(row.amount);
    return {
      kind: 'attempt',
      title: titles.attemptTitle({ number, status, failure, amount, currency }),
      actor: systemActor('payment-service'),
      ref: { type: 'attempt', id: row.idempotency_key },
      data: {
        payment_id,
        number,
        trigger: row.trigger,
        ...(row.trigger === 'renewal' && { renewal_run_id: runId }),
        status,
        amount,
        currency,
        provider: row.provider,
        payment_method_id: row.payment_method_id,
        provider_reference: row.provider_reference,
        failure,
        settled_by: row.settled_by,
        ...instantsOf(row),
      },
    };
  },

  refund(row: RefundRow): EntryBody {
    const { id, payment_id, attempt, currency, status, reason, failure_reason, provider_reference } = row;
    const amount = Number(row.amount);
    return {
      kind: 'refund',
      title: titles.refundTitle({
        amount,
        currency,
        status,
        reason,
        failure: failure_reason,
        isGivenUp: row.released_at !== null,
      }),
      actor: row.requested_by,
      ref: { type: 'refund', id },
      data: {
        payment_id,
        attempt,
        amount,
        currency,
        status,
        reason,
        failure_reason,
        provider_reference,
        settled_at: instantOrNull(row.settled_at),
      },
    };
  },

  change(row: Prisma.ChangeGetPayload<object>): EntryBody {
    const { subject_id, version, command_id } = row;
    const changes = row.changes.flatMap((name) => subscriptionChanges.find((known) => known === name) ?? []);
    const now = subscription.parse(row.result);
    const previous = previousFields.parse(row.previous);
    const current = Object.fromEntries(
      Object.keys(previous).map((field) => [field, now[field as keyof Subscription]]),
    );
    return {
      kind: 'change',
      title: changeTitle(changes, previous, now),
      actor: actor.parse(row.actor),
      ref: { type: 'change', id: `${subject_id}/v${version}` },
      data: {
        version,
        command_id,
        changes: row.changes,
        status: now.status,
        period: now.period,
        previous,
        current,
      },
    };
  },

  retry_plan(row: RetryPlanRow): EntryBody {
    const { payment_id, sequence, after_attempt, kind, reason, final_action } = row;
    const { policy_id, policy_version } = row;
    const at = row.at.toISOString();
    return {
      kind: 'retry_plan',
      title: titles.planTitle({ kind, at, reason, final_action }),
      actor: retryService,
      ref: { type: 'retry_plan', id: `${payment_id}/plan/${sequence}` },
      data: { payment_id, after_attempt, kind, at, reason, final_action, policy_id, policy_version },
    };
  },

  retry_request(row: RetryRequestRow): EntryBody {
    return {
      kind: 'operator_action',
      title: titles.retryRequestTitle(row.reason, row.actor.kind === 'external' ? row.actor.id : null),
      actor: row.actor,
      ref: { type: 'retry_request', id: row.id },
      data: retryRequest(row),
    };
  },

  retry_refusal(row: RetryRequestRow): EntryBody {
    return {
      kind: 'retry_plan',
      title: titles.retryRefusalTitle(row.refusal ?? 'unknown'),
      actor: retryService,
      ref: { type: 'retry_refusal', id: row.id },
      data: retryRequest(row),
    };
  },

  operator_task(row: TaskRow): EntryBody {
    return {
      kind: 'operator_action',
      title: titles.taskTitle(row.kind, row.detail),
      actor: null,
      ref: { type: 'operator_task', id: row.id },
      data: task(row),
    };
  },

  task_resolution(row: TaskRow): EntryBody {
    const { resolution } = row;
    return {
      kind: 'operator_action',
      title: titles.resolutionTitle(row.kind, resolution === null ? null : titled(resolution)),
      actor: resolution?.actor ?? null,
      ref: { type: 'task_resolution', id: row.id },
      data: { ...task(row), outcome: resolution?.outcome ?? null },
    };
  },

  event(row: Prisma.OutboxEventGetPayload<{ omit: { payload: true } }>): EntryBody {
    const { event_id, topic, key, partition } = row;
    const offset = row.offset?.toString() ?? null;
    const parked = row.parked_at !== null;
    return {
      kind: topic === 'notifications.requested' ? 'notification' : 'event',
      title: titles.eventTitle({ topic, event_id, partition, offset, parked }),
      actor: null,
      ref: { type: 'event', id: event_id },
      data: { topic, key, partition, offset, published_at: instantOrNull(row.published_at) },
    };
  },

  audit(row: Prisma.AuditLogGetPayload<object>): EntryBody {
    const { action, status, request_id, subject_id } = row;
    const { code = null, scope } = row.detail as { code?: string; scope?: string };
    const caller = recordedActor.parse(row.actor);
    const isRecord = caller.kind === 'external';
    return {
      kind: isRecord ? 'event' : scope === 'operator' ? 'operator_action' : 'api_call',
      title: isRecord ? titles.recordTitle(action, caller.id) : titles.callTitle(action, status, code),
      actor: caller,
      ref: { type: 'audit', id: row.id.toString() },
      data: { action, status, code, subject_id, request_id },
    };
  },
};

function retryRequest({
  payment_id,
  payment_method_id,
  reason,
  status,
  refusal,
  attempt,
}: RetryRequest): RetryRequest {
  return { payment_id, payment_method_id, reason, status, refusal, attempt };
}
type RetryRequest = Pick<
  RetryRequestRow,
  'payment_id' | 'payment_method_id' | 'reason' | 'status' | 'refusal' | 'attempt'
>;

function titled({ actor: { kind }, reason, outcome }: Resolution) {
  return { byPerson: kind === 'api_key' || kind === 'operator', reason, outcome };
}

function task({ kind, subject_type, subject_id, status, detail }: TaskRow) {
  return { kind, subject: { type: subject_type, id: subject_id }, status, detail };
}
