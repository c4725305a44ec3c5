/**
 * What has to exist before a process may start, besides the tables: topics, the namespace, its search attributes.
 *
 * Invariants: safe to run twice and by two processes at once; what exists is never changed, save that a namespace
 * which forgets too early is told to remember.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Logger } from 'pino';
import { leastRetentionMs, provisionedTopics } from '../contracts/topics/topics';
import { searchAttributes } from '../contracts/workflows/workflows';
import type { KafkaAdmin, KafkaClient } from '../bridge/kafka/port';
import { grpcCodes } from '../temporal/grpc-codes';
import type { Config } from '../config';

const namespaceRetentionDays = 8;

/** Creates the topics that are missing. @throws when one keeps its records for less than 7 days */
export async function provisionTopics(kafka: KafkaClient, config: Config, log: Logger): Promise<void> {
  const admin = await kafka.admin();
  try {
    const wanted = provisionedTopics().map((name) => ({
      name,
      retentionMs: Math.max(config.KAFKA_RETENTION_MS, leastRetentionMs(name)),
    }));
    const created = await admin.createTopics(wanted, {
      partitions: config.KAFKA_PARTITIONS,
      replicationFactor: config.KAFKA_REPLICATION_FACTOR,
      minInsyncReplicas: config.KAFKA_MIN_INSYNC_REPLICAS,
    });
    if (created.length > 0) log.info({ topics: created }, 'topics created');
    const fault = await topicFault(admin);
    if (fault !== null) throw new Error(fault);
  } finally {
    await admin.close();
  }
}

/** What is wrong with the topics; null when all are there and keep their records long enough. */
export async function topicFault(admin: Pick<KafkaAdmin, 'describeTopics'>): Promise<string | null> {
  const wanted = provisionedTopics();
  const states = await admin.describeTopics(wanted);
  const missing = wanted.filter((name) => !states.some((state) => state.name === name));
  if (missing.length > 0) return `topics are missing: ${missing.join(', ')}; run bin/migrate`;
  // -1 keeps records for ever.
  const short = states.filter(
    ({ name, retentionMs }) => retentionMs >= 0 && retentionMs < leastRetentionMs(name),
  );
  if (short.length === 0) return null;
  return `topics keep records for less than 7 days: ${short.map(({ name }) => name).join(', ')}`;
}

/** Creates the namespace and the search attributes that are missing, and waits until both can be used. */
export async function provisionTemporal(connection: Connection, config: Config, log: Logger): Promise<void> {
  const namespace = config.TEMPORAL_NAMESPACE;
  await ensureNamespace(connection, namespace, log);
  const { IndexedValueType } = temporal.api.enums.v1;
  const types = {
    Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  };
  await untilItAnswers(async () => {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = Object.entries(searchAttributes).filter(([name]) => !(name in (customAttributes ?? {})));
    if (missing.length === 0) return;
    await connection.operatorService
      .addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, types[type]])),
      })
      .catch(ignoreAlreadyExists);
    log.info({ attributes: missing.map(([name]) => name) }, 'search attributes registered');
  });
}

/** A namespace that keeps histories longer than we ask for stays as it is. */
async function ensureNamespace(connection: Connection, namespace: string, log: Logger): Promise<void> {
  const leastSeconds = namespaceRetentionDays * 86_400;
  const retention = { seconds: leastSeconds as unknown as Long };
  const service = connection.workflowService;
  const known = await service.describeNamespace({ namespace }).catch((error: unknown) => {
    if (isGrpcServiceError(error) && error.code === grpcCodes.notFound) return null;
    throw error;
  });
  if (known === null) {
    await service
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention })
      .catch(ignoreAlreadyExists);
    log.info({ namespace }, 'namespace registered');
  } else if (Number(known.config?.workflowExecutionRetentionTtl?.seconds ?? 0) < leastSeconds) {
    // Another process may have registered it in this very moment; then it is described before it can be used.
    await untilItAnswers(async () => {
      await service.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: retention } });
    });
    log.info({ namespace, days: namespaceRetentionDays }, 'namespace retention raised');
  }
}

type Long = NonNullable<
  temporal.api.workflowservice.v1.IRegisterNamespaceRequest['workflowExecutionRetentionPeriod']
>['seconds'];

function ignoreAlreadyExists(error: unknown): void {
  if (isGrpcServiceError(error) && error.code === grpcCodes.alreadyExists) return;
  throw error;
}

/** A namespace is usable only some seconds after it was registered. */
async function untilItAnswers(work: () => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(500);
    }
  }
}
