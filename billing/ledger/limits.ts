/** What a provider can charge, by the provider's name. */
import type { ChargeLimits } from '../../domain/money';

/** @param provider null, or one that is not configured: every amount can be charged */
export type LimitsOf = (provider: string | null, currency: string) => ChargeLimits;

/** Providers, as far as they say what they can charge. */
export type ChargingProviders = ReadonlyMap<string, { chargeLimits(currency: string): ChargeLimits }>;

/** Asks the providers that are configured. */
export function limitsOfProviders(providers: ChargingProviders): LimitsOf {
  return (provider, currency) =>
    providers.get(provider ?? '')?.chargeLimits(currency) ?? { smallest: 1, step: 1 };
}
