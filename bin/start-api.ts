/** The REST API over its database, Temporal and Kafka. */
import { v7 as uuidv7 } from 'uuid';
import { Limits, type LimitSettings } from '../access/limits';
import { FailedSignIns } from '../access/sign-ins';
import { createApp } from '../api/http/app';
import { listen } from '../api/http/server';
import type { Config } from '../config';
import { bulkRetryProcess } from '../temporal/bulk-retry';
import { connectLazily } from '../temporal/connection';
import { createMessenger } from '../temporal/messenger';
import { paymentProcess } from '../temporal/payment';
import { reconcileNow } from '../temporal/reconciliation';
import { installTemporalRuntime } from '../temporal/runtime';
import { sendAfterCommit } from '../temporal/send';
import { refusalLog } from '../api/http/webhook-sources';
import { subscriptionProcess } from '../temporal/subscription';
import { testClockProcess } from '../temporal/test-clock';
import { closeDatabase, createDatabase } from '../prisma/client';
import { sql } from '../prisma/sql';
import { kafkaFrom } from './kafka';
import { KafkaReadiness } from './kafka-readiness';
import type { Metrics } from './metrics';
import { followUpTimes } from './follow-up-times';
import type { Part, ProcessContext } from './process';
import { providersFrom, webhookSourcesFrom } from './providers';
import { temporalSettings } from './temporal';

export async function startApi({ config, log }: ProcessContext, metrics: Metrics): Promise<Part[]> {
  const db = createDatabase(config.DATABASE_URL, config.DATABASE_POOL_SIZE);
  installTemporalRuntime(log);
  const temporal = connectLazily(temporalSettings(config));
  const { workflows } = temporal;
  const kafka = new KafkaReadiness(kafkaFrom(config, log));
  const providers = providersFrom(config);
  const logRefusal = refusalLog(log.child({ component: 'webhooks' }), () => performance.now());
  const signIns = new FailedSignIns(db, log);
  const app = createApp({
    db,
    process: subscriptionProcess(workflows, log),
    reconcileNow: () => reconcileNow(workflows),
    clocks: testClockProcess(workflows, log),
    bulkRetries: bulkRetryProcess(workflows, log),
    send: sendAfterCommit(createMessenger(workflows, followUpTimes(config)), log),
    allowTestClocks: config.ALLOW_TEST_CLOCKS,
    payments: paymentProcess(workflows, log, followUpTimes(config)),
    readiness: [
      { name: 'postgres', check: async () => void (await sql(db).query`SELECT 1 FROM plans LIMIT 1`) },
      { name: 'temporal', check: () => workflows.checkReachable({ withinMs: 2_000 }) },
      ...kafka.checks(),
    ],
    providers,
    webhooks: {
      sources: webhookSourcesFrom(config, providers),
      count: (provider, result) => {
        metrics.onWebhook(provider, result);
        logRefusal(provider, result);
      },
    },
    trustProxy: config.TRUST_PROXY,
    limits: new Limits(limitsFrom(config)),
    onRefused: metrics.onRefused,
    signIns,
    deadlines: {
      leaseSeconds: config.IDEMPOTENCY_LEASE_SECONDS,
      acceptWithinMs: config.CREATION_ACCEPT_SECONDS * 1_000,
      answerWithinMs: config.CREATION_ANSWER_SECONDS * 1_000,
    },
    stuckAfter: {
      toleranceMs: config.RECONCILE_AFTER_SECONDS * 1_000,
      firstLookupAfterMs: config.LOOKUP_AFTER_SECONDS * 1_000,
    },
    log,
    now: () => new Date(),
    newUuid: uuidv7,
  });
  const server = await listen(app, {
    host: config.API_HOST,
    port: config.API_PORT,
    onUnreadable: (refused) => log.info(refused, 'request not readable'),
  });
  return [
    { name: 'http', close: async () => void (await server.close(config.SHUTDOWN_TIMEOUT_MS / 2)) },
    { name: 'kafka', close: () => kafka.close() },
    { name: 'sign-ins', close: () => signIns.flush() },
    { name: 'temporal', close: () => temporal.close() },
    { name: 'database', close: () => closeDatabase(db) },
  ];
}

/** The limits as settings have them. */
function limitsFrom(config: Config): LimitSettings {
  return {
    requestsPerSecond: config.API_REQUESTS_PER_SECOND,
    burst: config.API_REQUESTS_BURST,
    inFlight: config.API_REQUESTS_IN_FLIGHT,
    failedAuthenticationsPerMinute: config.API_FAILED_AUTHENTICATIONS_PER_MINUTE,
    webhooksPerSecond: config.WEBHOOKS_PER_SECOND,
  };
}
