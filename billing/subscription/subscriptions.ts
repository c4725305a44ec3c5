/** Subscriptions as callers see them: listing and reading them, and refusing a command to one that has ended. */
import {
  subscriptionPeriod,
  type CancelSubscription,
  type Subscription,
  type SubscriptionPeriod,
} from '../../contracts/http/subscriptions';
import { notFound, ProblemError, validationFailed } from '../../contracts/problem-error';
import { decideCancel, refusedFinal, type Refusal } from '../../domain/subscription/commands';
import { isFinal } from '../../domain/subscription/subscription';
import type { Database } from '../../prisma/client';
import { newestFirst, pageBy, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { instantOrNull, subscriptionRow, toFacts, toSubscription } from '../rows';

export interface SubscriptionFilter {
  status?: string | undefined;
  customer_id?: string | undefined;
  plan_id?: string | undefined;
}

/** Lists subscriptions, newest first. */
export async function listSubscriptions(
  db: Database,
  { status, customer_id, plan_id }: SubscriptionFilter,
  page: PageRequest,
): Promise<Page<Subscription>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.subscription.findMany({
    where: { status, customer_id, plan_id, ...after },
    ...order,
  });
  return pageOf(rows, page.limit, toSubscription);
}

/** Reads a subscription. @throws ProblemError `not_found` */
export async function readSubscription(db: Database, subscriptionId: string): Promise<Subscription> {
  const row = await db.subscription.findUnique({ where: { id: subscriptionId } });
  if (row === null) throw notFound('subscription');
  return toSubscription(row);
}

/** Lists a subscription's periods, oldest first. @param page by the period's index @throws ProblemError `not_found` */
export async function listPeriods(
  db: Database,
  subscriptionId: string,
  { after, limit }: PageRequest<number>,
): Promise<Page<SubscriptionPeriod, number>> {
  if ((await db.subscription.count({ where: { id: subscriptionId } })) === 0) throw notFound('subscription');
  const rows = await db.subscriptionPeriod.findMany({
    where: { subscription_id: subscriptionId, index: { gt: after ?? -1 } },
    orderBy: { index: 'asc' },
    take: limit + 1,
  });
  const toPeriod = (row: (typeof rows)[number]) =>
    subscriptionPeriod.parse({
      ...row,
      start: row.start.toISOString(),
      end: row.end.toISOString(),
      amount: Number(row.amount),
      paid_at: instantOrNull(row.paid_at),
      paid_recorded_at: instantOrNull(row.paid_recorded_at),
    });
  return pageBy(rows, limit, toPeriod, ({ index }) => index);
}

/** Returns whether a command has made a version of its subscription. */
export async function wasCommandExecuted(db: Database, commandId: string): Promise<boolean> {
  return (await db.change.count({ where: { command_id: commandId } })) > 0;
}

/** Refuses a command to a subscription that has ended. @param verb in the past, for people @throws ProblemError */
export function refuseFinal({ status }: Pick<Subscription, 'status'>, verb: string): void {
  if (isFinal(status)) throw problemOf(refusedFinal(status, verb));
}

/** Returns the problem that a refusal is answered with. */
export function problemOf({ code, detail, reason }: Refusal): ProblemError {
  return code === 'validation_failed'
    ? validationFailed([{ path: reason, message: detail }])
    : new ProblemError(code, detail, { reason });
}

/** Refuses to cancel again with another refund than the first cancellation was asked for with. @throws ProblemError */
export async function refuseOtherRefund(db: Database, id: string, asked: CancelSubscription): Promise<void> {
  const row = subscriptionRow(await db.subscription.findUniqueOrThrow({ where: { id } }));
  const facts = { ...toFacts(row), cancel_refund: row.cancel_refund };
  const decision = decideCancel(facts, asked, new Date(0).toISOString());
  if (decision.kind === 'refused') throw problemOf(decision);
}
