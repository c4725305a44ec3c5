/** The Kafka client, made from the settings. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { createKafkaClient, type KafkaSettings } from '../bridge/kafka/kafkajs';
import type { KafkaClient } from '../bridge/kafka/port';
import type { Config } from '../config';

export function kafkaFrom(config: Config, log: Logger): KafkaClient {
  return createKafkaClient(kafkaSettings(config), log.child({ part: 'kafka' }));
}

/** @throws when a PEM file cannot be read */
export function kafkaSettings(config: Config): KafkaSettings {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = config;
  const { KAFKA_CA_FILE, KAFKA_CERT_FILE, KAFKA_KEY_FILE } = config;
  const pem = { ca: textOf(KAFKA_CA_FILE), cert: textOf(KAFKA_CERT_FILE), key: textOf(KAFKA_KEY_FILE) };
  return {
    brokers: config.KAFKA_BROKERS,
    clientId: 'perennial',
    ssl: config.KAFKA_SSL && (pem.ca !== undefined || pem.cert !== undefined ? pem : true),
    sasl: mechanism && username && password ? { mechanism, username, password } : undefined,
  };
}

function textOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}
