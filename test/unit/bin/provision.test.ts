/** What the topics have to be before anything runs: all there, and kept for a week. */
import { pino } from 'pino';
import { provisionTopics, topicFault } from '../../../bin/provision';
import type { KafkaAdmin, KafkaClient, TopicState } from '../../../bridge/kafka/port';
import { loadConfig } from '../../../config';
import { provisionedTopics } from '../../../contracts/topics/topics';

const weekMs = 604_800_000;
const dayMs = 86_400_000;
const log = pino({ level: 'silent' });

/** A cluster that has these topics; creates what it is asked for. */
function clusterWith(topics: Record<string, number>) {
  const asked: Parameters<KafkaAdmin['createTopics']>[1][] = [];
  const states = () =>
    Object.entries(topics).map(([name, retentionMs]): TopicState => ({ name, partitions: 12, retentionMs }));
  const admin: KafkaAdmin = {
    async createTopics(wanted, settings) {
      asked.push(settings);
      const missing = wanted.filter(({ name }) => !(name in topics));
      for (const { name, retentionMs } of missing) topics[name] = retentionMs;
      return missing.map(({ name }) => name);
    },
    describeTopics: async (names) => states().filter(({ name }) => names.includes(name)),
    close: async () => undefined,
  };
  const unused = () => Promise.reject(new Error('not asked for here'));
  const kafka: KafkaClient = { admin: async () => admin, producer: unused, consumer: unused };
  return { kafka, admin, topics, asked };
}
const complete = (retentionMs = weekMs) =>
  Object.fromEntries(provisionedTopics().map((name) => [name, retentionMs]));

describe('the topics', () => {
  it('are made by the settings: nine of the order, the extension, and dead letters of each group', async () => {
    const { kafka, topics, asked } = clusterWith({});
    await provisionTopics(kafka, loadConfig({ KAFKA_RETENTION_MS: String(2 * weekMs) }), log);
    expect(topics).toEqual(complete(2 * weekMs));
    expect(Object.keys(topics)).toHaveLength(15);
    expect(asked).toEqual([{ partitions: 12, replicationFactor: -1, minInsyncReplicas: undefined }]);
  });

  it('that exist stay as they are', async () => {
    const { kafka, topics } = clusterWith({ 'payments.failed': 3 * weekMs });
    await provisionTopics(kafka, loadConfig({}), log);
    expect(topics).toEqual({ ...complete(), 'payments.failed': 3 * weekMs });
  });

  it('that are kept for less than 7 days are an error, at provisioning and for readiness', async () => {
    const { kafka, admin } = clusterWith({ 'payments.failed': dayMs });
    const fault = 'topics keep records for less than 7 days: payments.failed';
    await expect(provisionTopics(kafka, loadConfig({}), log)).rejects.toThrow(fault);
    expect(await topicFault(admin)).toBe(fault);
  });

  it('that are missing are named by readiness', async () => {
    const { 'webhooks.received': _, 'retry-service.dlq': __, ...others } = complete();
    expect(await topicFault(clusterWith(others).admin)).toBe(
      'topics are missing: webhooks.received, retry-service.dlq; run bin/migrate',
    );
  });

  it('are fine when all are there, kept for a week or for ever', async () => {
    expect(await topicFault(clusterWith({ ...complete(), 'payments.failed': -1 }).admin)).toBeNull();
  });
});
