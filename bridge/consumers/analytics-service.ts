/**
 * Group analytics-service: records what every version of a subscription is worth a month.
 *
 * Invariants: movements are computed from the order of versions when they are read, so the order in which topics arrive
 * changes nothing; what a version is worth is read in our own history, not in the record that names it.
 */
import type { Database } from '../../prisma/client';
import { createRevenueRecorder } from '../../billing/report/record-revenue';
import type { Handlers } from '../consumer/consumer';

export function analyticsServiceHandlers(db: Database): Handlers {
  const record = createRevenueRecorder(db);
  return {
    'subscriptions.created': ({ data: { subscription } }) => record(subscription),
    'subscriptions.updated': ({ data: { subscription } }) => record(subscription),
    'subscriptions.cancelled': ({ data: { subscription } }) => record(subscription),
  };
}
