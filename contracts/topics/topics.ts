/**
 * The topics: the contract with every service inside and outside.
 *
 * Owns: names, who produces, which consumer groups read, what the key is, why a record appears, how long it is kept at
 * least, which major version its schema has. Names and groups are relied on from outside. Provisioning, readiness, the
 * wiring of consumers, the types and schemas of events, and the documents follow from this table.
 */

const weekMs = 604_800_000;

export const consumerGroups = [
  'payment-service',
  'subscription-service',
  'retry-service',
  'analytics-service',
  'notification-service',
] as const;
export type ConsumerGroup = (typeof consumerGroups)[number];

export interface TopicDescription {
  producers: readonly string[];
  consumers: readonly ConsumerGroup[];
  /** Groups of ours that read it, too; not part of the original order. */
  extensionConsumers?: readonly ConsumerGroup[];
  key: 'subscription_id' | 'subscription_id or payment_id' | 'payment or provider event' | 'customer_id';
  trigger: string;
  /** Records are kept for so long or longer (`KAFKA_RETENTION_MS`), milliseconds. */
  leastRetentionMs: number;
  /** Major version of the schema of `data`, part of the events' type; `events.ts` has the schema itself. */
  schemaVersion: number;
  /** Not part of the original order. */
  extension?: true;
}

export const topics = {
  'subscriptions.created': {
    producers: ['Subscription Service'],
    consumers: ['payment-service'],
    extensionConsumers: ['analytics-service'],
    key: 'subscription_id',
    trigger: 'POST /subscriptions',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'subscriptions.updated': {
    producers: ['Subscription Service'],
    consumers: ['analytics-service'],
    key: 'subscription_id',
    trigger: 'PUT /subscriptions/{id}; any later change of state',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'subscriptions.cancelled': {
    producers: ['Subscription Service'],
    consumers: ['payment-service'],
    extensionConsumers: ['analytics-service'],
    key: 'subscription_id',
    trigger: 'DELETE /subscriptions/{id}, when it takes effect',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'subscriptions.renew_required': {
    producers: ['Retry Service'],
    consumers: ['subscription-service'],
    key: 'subscription_id',
    trigger: 'scheduler',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'payments.requested': {
    producers: ['API Gateway', 'Admin UI'],
    consumers: ['payment-service'],
    key: 'subscription_id or payment_id',
    trigger: 'POST /payments',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'payments.retry.requested': {
    producers: ['API Gateway'],
    consumers: ['retry-service'],
    key: 'subscription_id or payment_id',
    trigger: 'POST /payments/{id}/retry',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'payments.failed': {
    producers: ['Payment Service', 'Webhook Handler'],
    consumers: ['retry-service'],
    key: 'subscription_id or payment_id',
    trigger: 'attempt declined or failed',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'payments.completed': {
    producers: ['Payment Service'],
    consumers: ['subscription-service'],
    key: 'subscription_id or payment_id',
    trigger:
      'asynchronous renewal, provider webhook, retry, manual payment; never the synchronous first payment',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'webhooks.received': {
    producers: ['Webhook Handler'],
    consumers: ['payment-service'],
    key: 'payment or provider event',
    trigger: 'POST /webhooks/{provider}',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
  },
  'notifications.requested': {
    producers: ['any service'],
    consumers: ['notification-service'],
    key: 'customer_id',
    trigger: 'dunning, trial ending, renewal ahead, card expiring',
    leastRetentionMs: weekMs,
    schemaVersion: 1,
    extension: true,
  },
} as const satisfies Record<string, TopicDescription>;

export type Topic = keyof typeof topics;
/** Every topic of the contract, extensions included. */
export const topicNames = Object.keys(topics) as Topic[];

/** Where a group's records go that can never be handled. */
export function deadLetterTopic(group: ConsumerGroup): string {
  return `${group}.dlq`;
}

/** Every topic that has to exist before a process may start. */
export function provisionedTopics(): string[] {
  return [...topicNames, ...consumerGroups.map(deadLetterTopic)];
}

/** How long a topic must keep its records at least; those of the dead letters as long as any other. */
export function leastRetentionMs(name: string): number {
  return name in topics ? topics[name as Topic].leastRetentionMs : weekMs;
}

const requests: ReadonlySet<Topic> = new Set([
  'payments.requested',
  'payments.retry.requested',
  'notifications.requested',
]);

/** Whether services of the operator's may write the topic, too, under sources of their own (`EXTERNAL_SOURCES`). */
export function isRequest(topic: Topic): boolean {
  return requests.has(topic);
}
