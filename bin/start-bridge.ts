/** The bridge: the relay, and a consumer for each group. */
import { analyticsServiceHandlers } from '../bridge/consumers/analytics-service';
import { notificationServiceHandlers } from '../bridge/consumers/notification-service';
import { paymentServiceHandlers } from '../bridge/consumers/payment-service';
import { retryServiceHandlers } from '../bridge/consumers/retry-service';
import { renewalHandlers, subscriptionServiceHandlers } from '../bridge/consumers/subscription-service';
import { startErasures } from '../bridge/erasures';
import { runGroup, type Handlers } from '../bridge/consumer/consumer';
import { startCommandTextRetention } from '../bridge/relay/command-text-retention';
import { startOutboxRetention } from '../bridge/relay/outbox-retention';
import { startRetention } from '../bridge/retention';
import { startRelay } from '../bridge/relay/relay';
import { startBodyRetention } from '../bridge/relay/webhook-body-retention';
import type { ExternalRules } from '../billing/external-records';
import type { ConsumerGroup } from '../contracts/topics/topics';
import { closeDatabase, createDatabase, type Database } from '../prisma/client';
import { connectLazily } from '../temporal/connection';
import { installTemporalRuntime } from '../temporal/runtime';
import { kafkaFrom } from './kafka';
import { watchConnections, type Health } from './health';
import type { Metrics } from './metrics';
import { notifierFrom, parallelNotifications } from './notifier';
import { followUpTimes } from './follow-up-times';
import type { Part, ProcessContext } from './process';
import { temporalSettings } from './temporal';
import { Pulse } from '../bridge/pulse';

export async function startBridge(
  { config, log, onFatal }: ProcessContext,
  metrics: Metrics,
  health: Health,
): Promise<Part[]> {
  const kafka = kafkaFrom(config, log);
  const db = createDatabase(config.DATABASE_URL, config.DATABASE_POOL_SIZE);
  metrics.watchDatabase(db, log);
  installTemporalRuntime(log);
  const temporal = connectLazily(temporalSettings(config));
  const relay = startRelay({
    databaseUrl: config.DATABASE_URL,
    db,
    kafka,
    log: log.child({ part: 'relay' }),
    pulse: pulseOf('relay', health),
  });
  const notifier = notifierFrom(config);
  const prompting = { db, client: temporal.workflows, times: followUpTimes(config) };
  const external = externalRules(config);
  const handlers: Record<ConsumerGroup, Handlers> = {
    'payment-service': paymentServiceHandlers({ ...prompting, external }),
    'subscription-service': subscriptionServiceHandlers(prompting),
    'retry-service': retryServiceHandlers({ ...prompting, external }),
    'analytics-service': analyticsServiceHandlers(db),
    'notification-service': notificationServiceHandlers({
      db,
      log: log.child({ part: 'notifications' }),
      notifier,
      external,
      language: config.NOTIFY_LANGUAGE,
      parallel: parallelNotifications,
      onConcluded: metrics.onNotification,
    }),
  };
  const renewals = renewalHandlers(prompting, config.RENEWAL_GATHER_MS);
  const groups = await Promise.all(
    Object.entries(handlers).map(([group, handle]) =>
      runGroup(
        {
          kafka,
          db,
          log,
          onFatal,
          unhurried: group === 'analytics-service',
          gathering: group === 'subscription-service' ? renewals : {},
          ...metrics.ofGroup(group),
          pulse: pulseOf(group, health),
        },
        group as ConsumerGroup,
        handle,
      ),
    ),
  );
  watchConnections(health, db, temporal.workflows);
  return [
    ...startUpkeep(db, config, log),
    { name: 'consumers', close: async () => void (await Promise.all(groups.map((group) => group.close()))) },
    { name: 'notifier', close: async () => notifier?.close() },
    { name: 'relay', close: () => relay.close() },
    { name: 'temporal', close: () => temporal.close() },
    { name: 'database', close: () => closeDatabase(db) },
  ];
}

/** What removes what is kept no longer. */
function startUpkeep(db: Database, config: ProcessContext['config'], log: ProcessContext['log']): Part[] {
  const payloads = startOutboxRetention({
    db,
    retentionDays: config.OUTBOX_RETENTION_DAYS,
    log: log.child({ part: 'outbox-retention' }),
  });
  const bodies = startBodyRetention(db, config.WEBHOOK_BODY_RETENTION_DAYS, log);
  const texts = startCommandTextRetention(db, log);
  const days = {
    idempotencyKeys: config.IDEMPOTENCY_RETENTION_DAYS,
    auditEntries: config.AUDIT_RETENTION_DAYS,
    deadLetterRecords: config.DEAD_LETTER_RETENTION_DAYS,
    renewalRuns: config.RENEWAL_RUN_RETENTION_DAYS,
  };
  const others = startRetention(db, days, log.child({ part: 'retention' }));
  const erasures = startErasures(db, log.child({ part: 'erasures' }));
  return [
    { name: 'erasures', close: () => erasures.close() },
    { name: 'retention', close: () => others.close() },
    { name: 'texts of commands', close: () => texts.close() },
    { name: 'webhook bodies', close: () => bodies.close() },
    { name: 'outbox-retention', close: () => payloads.close() },
  ];
}

/** What records from outside may ask for. */
function externalRules(config: ProcessContext['config']): ExternalRules {
  return {
    sources: new Set(config.EXTERNAL_SOURCES),
    paymentMax: config.EXTERNAL_PAYMENT_MAX,
    chargesPerDay: config.EXTERNAL_PAYMENTS_PER_CUSTOMER_PER_DAY,
  };
}

/** A pulse that is a part of the process's health. */
function pulseOf(name: string, health: Health): Pulse {
  const pulse = new Pulse();
  health.add(name, () => pulse.fault());
  return pulse;
}
