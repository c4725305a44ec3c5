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
