/** The route table: everything that the API serves. */
import type { Route } from '../http/route';
import { analyticsRoutes } from './analytics';
import { apiKeyRoutes } from './api-keys';
import { bulkRetryRoutes } from './bulk-retries';
import { contractRoutes } from './contracts';
import { customerRoutes } from './customers';
import { deadLetterRoutes } from './dead-letters';
import { ledgerRoutes } from './ledger';
import { schedulerRoutes } from './scheduler';
import { notificationRoutes } from './notifications';
import { operatorTaskRoutes } from './operator-tasks';
import { paymentMethodRoutes } from './payment-methods';
import { paymentRoutes } from './payments';
import { planRoutes } from './plans';
import { refundRoutes } from './refunds';
import { renewalRunRoutes } from './renewal-runs';
import { retryRoutes } from './retries';
import { retryPolicyRoutes } from './retry-policies';
import { serviceRoutes } from './service';
import { subscriptionCommandRoutes } from './subscription-commands';
import { subscriptionRoutes } from './subscriptions';
import { testClockRoutes } from './test-clocks';
import { timelineRoutes } from './timelines';
import { webhookDeliveryRoutes } from './webhook-deliveries';
import { webhookRoutes } from './webhooks';

/** @param openApi the document about these very routes, written when first asked for */
export function routeTable(openApi: () => string): readonly Route[] {
  return [
    ...subscriptionRoutes,
    ...subscriptionCommandRoutes,
    ...paymentRoutes,
    ...refundRoutes,
    ...timelineRoutes,
    ...planRoutes,
    ...customerRoutes,
    ...paymentMethodRoutes,
    ...ledgerRoutes,
    ...retryRoutes,
    ...bulkRetryRoutes,
    ...retryPolicyRoutes,
    ...testClockRoutes,
    ...analyticsRoutes,
    ...webhookRoutes,
    ...webhookDeliveryRoutes,
    ...notificationRoutes,
    ...deadLetterRoutes,
    ...schedulerRoutes,
    ...renewalRunRoutes,
    ...operatorTaskRoutes,
    ...apiKeyRoutes,
    ...serviceRoutes(),
    ...contractRoutes(openApi),
  ];
}
