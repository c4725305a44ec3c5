import { providersFrom, webhookSourcesFrom } from '../../../bin/providers';
import { loadConfig } from '../../../config';

const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const names = (env: NodeJS.ProcessEnv) =>
  [...providersFrom(loadConfig(env)).values()].map(
    ({ name, isLive }) => `${name} ${isLive ? 'live' : 'test'}`,
  );

describe('I8: the payment providers of a deployment', () => {
  it.each([
    [{}, ['sandbox test']],
    [{ NODE_ENV: 'production' }, []],
    [{ NODE_ENV: 'production', ALLOW_SANDBOX: 'true' }, ['sandbox test']],
    [{ NODE_ENV: 'production', STRIPE_SECRET_KEY: 'sk_live_1' }, ['stripe live']],
    [{ ALLOW_SANDBOX: 'false', STRIPE_SECRET_KEY: 'rk_test_1' }, ['stripe test']],
    // What is not known counts as live.
    [{ ALLOW_SANDBOX: 'false', STRIPE_SECRET_KEY: 'sk_org_1' }, ['stripe live']],
  ])('with %j are %j', (env, wanted) => {
    expect(names(env)).toEqual(wanted);
  });

  it('take no webhooks of a sandbox provider that is not allowed', () => {
    const config = { ...loadConfig({ SANDBOX_WEBHOOK_SECRETS: secret }), ALLOW_SANDBOX: false };
    expect([...webhookSourcesFrom(config, providersFrom(config)).keys()]).toEqual([]);
  });
});
