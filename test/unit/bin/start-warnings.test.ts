/** What a process warns of when it starts. */
import { startWarnings } from '../../../bin/start-warnings';
import { loadConfig } from '../../../config';

const warned = (env: NodeJS.ProcessEnv) =>
  startWarnings(loadConfig(env), env).map(({ settings }) => settings.join());
const remote = 'postgresql://perennial:hidden@db.example:5432/perennial';
const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_USERNAME: 'perennial', KAFKA_PASSWORD: 'hidden' };
const webhook = {
  NOTIFY_TRANSPORT: 'webhook',
  NOTIFY_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(24, 1).toString('base64')}`,
};

describe('a process that starts', () => {
  it.each([
    [{}, []],
    [sasl, ['KAFKA_SSL']],
    [{ ...sasl, KAFKA_SSL: 'true' }, []],
    [{ ...webhook, NOTIFY_WEBHOOK_URL: 'http://hooks.example/hidden' }, ['NOTIFY_WEBHOOK_URL']],
    [{ ...webhook, NOTIFY_WEBHOOK_URL: 'https://hooks.example/hidden' }, []],
    [{ DATABASE_URL: remote }, ['DATABASE_URL']],
    [{ DATABASE_URL: `${remote}?sslmode=disable` }, ['DATABASE_URL']],
    [{ DATABASE_URL: `${remote}?sslmode=verify-full` }, []],
    [{ DATABASE_URL: `${remote}?ssl=true` }, []],
    [{ DATABASE_URL: 'postgresql://perennial@127.0.0.1:5432/perennial' }, []],
    [{ DATABASE_URL: 'postgresql://perennial@localhost/perennial?host=/run/postgresql' }, []],
    [{ API_PORT: 'tcp://10.0.0.1:80', KAFKA_SERVICE_HOST: '10.0.0.2' }, ['API_PORT,KAFKA_SERVICE_HOST']],
  ])('with %j warns of %j', (env, settings) => {
    expect(warned(env)).toEqual(settings);
  });

  it('names settings and shows no value', () => {
    const env = {
      ...sasl,
      ...webhook,
      NOTIFY_WEBHOOK_URL: 'http://hooks.example/hidden',
      DATABASE_URL: remote,
    };
    const warnings = startWarnings(loadConfig(env), env);
    expect(warnings).toHaveLength(3);
    expect(JSON.stringify(warnings)).not.toMatch(/hidden|example|whsec/);
  });
});
