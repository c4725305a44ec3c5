/** The payment providers of this deployment, by the name that payment methods carry. */
import { sandboxProvider } from '../providers/sandbox/adapter';
import { stripeProvider } from '../providers/stripe/adapter';
import type { PaymentProvider, ProviderRegistry } from '../providers/port';
import type { Config } from '../config';

export function providersFrom(config: Config): ProviderRegistry {
  const baseUrl = config.SANDBOX_PROVIDER_URL ?? `http://127.0.0.1:${config.SANDBOX_PORT}`;
  const providers = [sandboxProvider({ baseUrl }), ...stripe(config)];
  return new Map(providers.map((provider) => [provider.name, provider]));
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
