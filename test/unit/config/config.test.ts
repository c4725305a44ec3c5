import { ConfigError, loadConfig, settings, type Setting } from '../../../config';

function mistakesOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
}

describe('loadConfig', () => {
  it('works without any variable: every default is valid and the addresses are the platform’s', () => {
    const config = loadConfig({});
    expect(config.API_PORT).toBe(8080);
    expect(config.DATABASE_URL).toBe('postgresql://perennial:perennial@127.0.0.1:15432/perennial');
    expect(config.KAFKA_BROKERS).toEqual(['127.0.0.1:19092']);
  });

  it('derives addresses from ports', () => {
    expect(loadConfig({ KAFKA_PORT: '1234' }).KAFKA_BROKERS).toEqual(['127.0.0.1:1234']);
  });

  it('tells all mistakes at once', () => {
    const mistakes = mistakesOf({
      API_PORT: '99999',
      KAFKA_BROKERS: 'nowhere',
      LOG_LEVEL: 'loud',
      KAFKA_RETENTION_MS: '60000',
      BOOTSTRAP_API_KEY: 'short-secret',
      KAFKA_SASL_MECHANISM: 'plain',
    });
    expect(mistakes).toHaveLength(6);
    expect(mistakes.join('\n')).toMatch(/API_PORT must be at most 65535 \(it is "99999"\)/);
    expect(mistakes.join('\n')).toMatch(/KAFKA_RETENTION_MS must be at least 604800000/);
  });

  it.each([
    [{ KAFKA_USERNAME: 'perennial', KAFKA_PASSWORD: 'x' }, /need KAFKA_SASL_MECHANISM/],
    [{ KAFKA_SSL: 'true', KAFKA_CERT_FILE: 'client.pem' }, /KAFKA_CERT_FILE and KAFKA_KEY_FILE go together/],
    [{ KAFKA_CA_FILE: 'ca.pem' }, /need KAFKA_SSL=true/],
  ])('refuses settings of Kafka that would be ignored: %j', (env, wanted) => {
    expect(mistakesOf(env).join()).toMatch(wanted);
  });

  it('never shows a secret’s value', () => {
    expect(mistakesOf({ BOOTSTRAP_API_KEY: 'short-secret' }).join()).not.toContain('short-secret');
  });

  it('refuses a name that looks like a setting and is none, and proposes the right one', () => {
    expect(mistakesOf({ KAFKA_BROKER: 'a:1' })).toEqual([
      'KAFKA_BROKER is not a setting; did you mean KAFKA_BROKERS?',
    ]);
  });

  it('leaves other programs’ variables alone', () => {
    expect(mistakesOf({ TEMPORAL_CLI_ADDRESS: 'x', KAFKA_SERVICE_HOST: '10.0.0.1', PATH: '/bin' })).toEqual(
      [],
    );
  });

  it('takes an empty text as not set', () => {
    expect(loadConfig({ API_PORT: '' }).API_PORT).toBe(8080);
  });

  it('describes every setting', () => {
    for (const { text } of Object.values<Setting>(settings)) expect(text).toMatch(/\.$/);
  });
});
