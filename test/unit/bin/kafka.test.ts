import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaSettings } from '../../../bin/kafka';
import { loadConfig } from '../../../config';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'perennial-pem-'));
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(dir, `${name}.pem`), `the ${name}`);
});
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string) => join(dir, `${name}.pem`);

describe('the settings of Kafka', () => {
  it('are neither TLS nor SASL by default', () => {
    expect(kafkaSettings(loadConfig({}))).toMatchObject({ ssl: false, sasl: undefined });
  });

  it('verify against the authorities of Node.js when no others are named', () => {
    expect(kafkaSettings(loadConfig({ KAFKA_SSL: 'true' })).ssl).toBe(true);
  });

  it('verify against the named authorities and show the client’s certificate', () => {
    const { ssl } = kafkaSettings(
      loadConfig({
        KAFKA_SSL: 'true',
        KAFKA_CA_FILE: file('ca'),
        KAFKA_CERT_FILE: file('cert'),
        KAFKA_KEY_FILE: file('key'),
      }),
    );
    expect(ssl).toEqual({ ca: 'the ca', cert: 'the cert', key: 'the key' });
  });

  it('carry user and password of SASL', () => {
    const env = {
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_USERNAME: 'perennial',
      KAFKA_PASSWORD: 'secret',
    };
    const sasl = { mechanism: 'scram-sha-512', username: 'perennial', password: 'secret' };
    expect(kafkaSettings(loadConfig(env)).sasl).toEqual(sasl);
  });
});
