/**
 * Group analytics-service: what every version of a subscription is worth a month.
 *
 * Invariant: a version is written once, whatever is repeated; movements are computed from the order of versions when
 * they are read, so the order in which topics arrive changes nothing.
 */
import type { Subscription } from '../../contracts/http/subscriptions';
import { isRecurring, monthlyAmount } from '../../domain/recurring-revenue';
import type { Database } from '../../prisma/client';
import type { Handlers } from '../consumer';

export function analyticsServiceHandlers(db: Database): Handlers {
  const note = async (subscription: Subscription, time: string): Promise<void> => {
    await db.subscriptionRevenue.createMany({
      data: [
        {
          subscription_id: subscription.id,
          version: subscription.version,
          at: new Date(time),
          currency: subscription.currency,
          plan_id: subscription.plan_id,
          status: subscription.status,
          monthly_amount: isRecurring(subscription.status)
            ? monthlyAmount(subscription.amount, subscription.interval)
            : 0,
        },
      ],
      skipDuplicates: true,
    });
  };
  return {
    'subscriptions.created': ({ data, time }) => note(data.subscription, time),
    'subscriptions.updated': ({ data, time }) => note(data.subscription, time),
    'subscriptions.cancelled': ({ data, time }) => note(data.subscription, time),
  };
}
