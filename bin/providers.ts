/** The payment providers of this deployment, by the name that payment methods carry, and their webhooks. */
import type { WebhookSource } from '../api/http/webhook-sources';
import { sandboxProvider } from '../providers/sandbox/adapter';
import { stripeProvider } from '../providers/stripe/adapter';
import type { PaymentProvider, ProviderRegistry } from '../providers/port';
import type { Config } from '../config';

export function providersFrom(config: Config): ProviderRegistry {
  const providers = [...sandbox(config), ...stripe(config)];
  return new Map(providers.map((provider) => [provider.name, provider]));
}

/** Only where it is allowed: it charges no customer, and reports that it did. */
function sandbox(config: Config): PaymentProvider[] {
  if (!config.ALLOW_SANDBOX) return [];
  return [
    sandboxProvider({ baseUrl: config.SANDBOX_PROVIDER_URL ?? `http://127.0.0.1:${config.SANDBOX_PORT}` }),
  ];
}

/** Only where there is a key to it. */
function stripe(config: Config): PaymentProvider[] {
  if (config.STRIPE_SECRET_KEY === undefined) return [];
  return [
    stripeProvider({
      secretKey: config.STRIPE_SECRET_KEY,
      apiUrl: config.STRIPE_API_URL,
      returnUrl: config.STRIPE_RETURN_URL,
    }),
  ];
}

/** As the standards and the providers' own libraries have it. */
const toleranceMs = 5 * 60_000;

/** Webhooks of the providers whose secrets are set; the others' are as unknown as those of no provider. */
export function webhookSourcesFrom(
  config: Config,
  providers: ProviderRegistry,
): ReadonlyMap<string, WebhookSource> {
  const secretsOf: Readonly<Record<string, readonly string[] | undefined>> = {
    sandbox: config.SANDBOX_WEBHOOK_SECRETS,
    stripe: config.STRIPE_WEBHOOK_SECRETS,
  };
  const sources = new Map<string, WebhookSource>();
  for (const [name, { webhooks }] of providers) {
    const secrets = secretsOf[name];
    if (secrets === undefined) continue;
    const { read, keptHeaders, answer } = webhooks;
    const verify: WebhookSource['verify'] = (request, now) =>
      webhooks.verify(request, { secrets, now, toleranceMs });
    sources.set(name, { verify, read, keptHeaders, answer });
  }
  return sources;
}
