import { ConfigError, ignoredServiceLinks, loadConfig, settings, type Setting } from '../../../config';

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

  it.each([
    ['2', 2],
    ['10.0.0.7', ['10.0.0.7']],
    ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
  ])('takes the proxies to trust as a number or as addresses: %s', (text, trusted) => {
    expect(loadConfig({ TRUST_PROXY: text }).TRUST_PROXY).toEqual(trusted);
  });

  it.each(['true', '0', '10', '10.0.0.0/0', '10.0.0.0/33', 'proxy.example', '10.0.0.1/8/8'])(
    'never trusts everybody, nor a name: TRUST_PROXY=%s',
    (text) => {
      expect(mistakesOf({ TRUST_PROXY: text }).join()).toMatch(/TRUST_PROXY must be the number of proxies/);
    },
  );

  it('takes webhook secrets newest first, and shows none that is malformed', () => {
    const [one, two] = [1, 2].map((n) => `whsec_${Buffer.alloc(24, n).toString('base64')}`);
    expect(loadConfig({ SANDBOX_WEBHOOK_SECRETS: `${one},${two}` }).SANDBOX_WEBHOOK_SECRETS).toEqual([
      one,
      two,
    ]);
    for (const wrong of ['whsec_c2hvcnQ=', one?.slice('whsec_'.length), `${one};${two}`, `${one},`]) {
      const mistakes = mistakesOf({ SANDBOX_WEBHOOK_SECRETS: wrong }).join();
      expect(mistakes).toMatch(/SANDBOX_WEBHOOK_SECRETS must be whsec_/);
      expect(mistakes).not.toContain(String(wrong));
    }
  });

  it.each([
    [{ NOTIFY_TRANSPORT: 'smtp', SMTP_URL: 'smtp://mail' }, ['NOTIFY_TRANSPORT=smtp needs MAIL_FROM']],
    [{ NOTIFY_TRANSPORT: 'file' }, ['NOTIFY_TRANSPORT=file needs NOTIFY_OUTBOX_DIR']],
    [
      { NOTIFY_TRANSPORT: 'webhook' },
      [
        'NOTIFY_TRANSPORT=webhook needs NOTIFY_WEBHOOK_URL',
        'NOTIFY_TRANSPORT=webhook needs NOTIFY_WEBHOOK_SECRETS',
      ],
    ],
    [{}, []],
  ])('wants what a transport of notifications needs: %j', (env, wanted) => {
    expect(mistakesOf(env)).toEqual(wanted);
  });

  it.each([
    ['billing@example.com', true],
    ['Acme, Inc. <billing@example.com>', true],
    ['Acme', false],
    ['Acme <billing@example.com>, eve@example.com', false],
    ['Acme\r\nBcc: eve@example.com <billing@example.com>', false],
  ])('takes one address as the sender of mails: %j', (text, isOne) => {
    expect(mistakesOf({ MAIL_FROM: text }).length === 0).toBe(isOne);
  });

  it('never shows a secret’s value', () => {
    const given = { SMTP_URL: 'http://user:hidden@mail', NOTIFY_WEBHOOK_URL: 'ftp://host/hidden' };
    expect(mistakesOf(given).join()).toMatch(/SMTP_URL must .*NOTIFY_WEBHOOK_URL must/);
    expect(mistakesOf(given).join()).not.toContain('hidden');
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

  describe('I12: links that Kubernetes makes to services', () => {
    const links = {
      API_PORT: 'tcp://10.0.0.1:80',
      KAFKA_PORT: 'tcp://10.0.0.2:9092',
      KAFKA_PORT_9092_TCP: 'tcp://10.0.0.2:9092',
      KAFKA_PORT_9092_TCP_PROTO: 'tcp',
      KAFKA_SERVICE_HOST: '10.0.0.2',
      KAFKA_SERVICE_PORT: '9092',
      KAFKA_SERVICE_PORT_CLIENT: '9092',
    };
    const others = { STRIPE_MOCK_PORT: 'udp://[fd00::1]:53', STRIPE_MOCK_SERVICE_HOST: 'fd00::1' };

    it('are not taken for settings, and are named', () => {
      const config = loadConfig({ ...links, POSTGRES_PORT: '1234' });
      expect(config).toMatchObject({ API_PORT: 8080, KAFKA_PORT: 19092, POSTGRES_PORT: 1234 });
      expect(ignoredServiceLinks(links)).toEqual(Object.keys(links).sort());
    });

    it('are ignored under names that are no settings, too', () => {
      expect(mistakesOf(others)).toEqual([]);
      expect(ignoredServiceLinks({ ...others, REDIS_PORT: 'tcp://10.0.0.3:6379' })).toEqual(
        Object.keys(others).sort(),
      );
    });

    it('leave mistakes beside them mistakes', () => {
      const mistakes = mistakesOf({
        ...links,
        API_PORT: 'eighty',
        TEMPORAL_PORT: 'http://temporal',
        KAFKA_PRT: '1',
      });
      expect(mistakes).toHaveLength(3);
      expect(ignoredServiceLinks({ API_PORT: '80', KAFKA_BROKERS: 'a:1' })).toEqual([]);
    });
  });

  describe('I8: NODE_ENV=production', () => {
    const production = { NODE_ENV: 'production' };

    it.each([
      [{}, true, true],
      [{ NODE_ENV: 'test' }, true, true],
      [production, false, false],
      [{ ...production, ALLOW_SANDBOX: 'true' }, true, false],
      [{ ...production, ALLOW_TEST_CLOCKS: 'true' }, false, true],
      [{ ALLOW_SANDBOX: 'false' }, false, true],
    ])('%j allows the sandbox provider: %j, test clocks: %j', (env, sandbox, clocks) => {
      expect(loadConfig(env)).toMatchObject({ ALLOW_SANDBOX: sandbox, ALLOW_TEST_CLOCKS: clocks });
    });

    it('refuses settings of a sandbox provider that is not allowed', () => {
      const given = { SANDBOX_PROVIDER_URL: 'http://sandbox:8090' };
      expect(mistakesOf({ ...production, ...given })).toEqual([
        'SANDBOX_PROVIDER_URL needs ALLOW_SANDBOX=true where NODE_ENV is production',
      ]);
      expect(mistakesOf({ ...production, ...given, ALLOW_SANDBOX: 'true' })).toEqual([]);
    });
  });

  it('takes an empty text as not set', () => {
    expect(loadConfig({ API_PORT: '' }).API_PORT).toBe(8080);
  });

  it('describes every setting', () => {
    for (const { text } of Object.values<Setting>(settings)) expect(text).toMatch(/\.$/);
  });
});
