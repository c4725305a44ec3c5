/**
 * Group analytics-service: records what every version of a subscription is worth a month.
 *
 * Invariant: movements are computed from the order of versions when they are read, so the order in which topics arrive
 * changes nothing.
 */
import type { Database } from '../../prisma/client';
import { createRevenueRecorder } from '../../billing/report/record-revenue';
import type { Handlers } from '../consumer/consumer';

export function analyticsServiceHandlers(db: Database): Handlers {
  const record = createRevenueRecorder(db);
  return {
    'subscriptions.created': ({ data: { subscription }, time }) => record({ subscription, time }),
    'subscriptions.updated': ({ data: { subscription }, time }) => record({ subscription, time }),
    'subscriptions.cancelled': ({ data: { subscription }, time }) => record({ subscription, time }),
  };
}
