/** The Kafka client, made from the settings. */
import type { Logger } from 'pino';
import { createKafkaClient } from '../bridge/kafka/kafkajs';
import type { KafkaClient } from '../bridge/kafka/port';
import type { Config } from '../config';

export function kafkaFrom(config: Config, log: Logger): KafkaClient {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config;
  return createKafkaClient(
    {
      brokers: config.KAFKA_BROKERS,
      clientId: 'perennial',
      ssl: config.KAFKA_SSL,
      sasl: mechanism && username && password ? { mechanism, username, password } : undefined,
    },
    log.child({ part: 'kafka' }),
  );
}
