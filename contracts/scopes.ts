/** What an API key may do. */
import { z } from 'zod';

export const scopes = [
  'subscriptions:read',
  'subscriptions:write',
  'payments:read',
  'payments:write',
  'catalog:read',
  'catalog:write',
  'customers:read',
  'customers:write',
  'operator',
  'admin',
  'test_clocks',
] as const;
export const scope = z.enum(scopes, `must be one of ${scopes.join(', ')}`);
export type Scope = z.infer<typeof scope>;

/** Scopes by the work that people do. */
export const scopePresets = {
  /** Looks at everything but what operators see. */
  reader: ['subscriptions:read', 'payments:read', 'catalog:read', 'customers:read'],
  /** Helps customers: their data, subscriptions and payments. */
  support: [
    'subscriptions:read',
    'subscriptions:write',
    'payments:read',
    'payments:write',
    'catalog:read',
    'customers:read',
    'customers:write',
  ],
  /** Everything but keys and test clocks. */
  operator: scopes.filter((name) => name !== 'admin' && name !== 'test_clocks'),
  /** Every scope but test clocks: those make time pass. */
  admin: scopes.filter((name) => name !== 'test_clocks'),
} as const satisfies Record<string, readonly Scope[]>;
export type ScopePreset = keyof typeof scopePresets;
export const presetNames = Object.keys(scopePresets) as [ScopePreset, ...ScopePreset[]];

/** Returns the scopes of a preset, as they are when a key is made. */
export function scopesOfPreset(preset: ScopePreset): readonly Scope[] {
  return scopePresets[preset];
}
