/** API keys. The secret is answered once, when the key is made; only its hash is kept. */
import { z } from 'zod';
import { instant, reason, text } from '../fields';
import { scope, scopes } from '../scopes';

export const createApiKey = z
  .strictObject({
    name: text(200),
    scopes: z
      .array(scope)
      .min(1, 'must name at least one scope')
      .max(scopes.length, `must be at most ${scopes.length} scopes`)
      .refine((names) => new Set(names).size === names.length, 'must not name a scope twice'),
    expires_at: instant.optional(),
    reason: reason.optional(),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.output<typeof createApiKey>;

export const revokeApiKey = z.strictObject({ reason: reason.optional() });

export const apiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    prefix: z.string().meta({ description: 'The first 8 characters of the secret.' }),
    expires_at: instant.nullable(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof apiKey>;

export const createdApiKey = apiKey
  .extend({
    secret: z
      .string()
      .nullable()
      .meta({ description: 'Shown this once; null when the same Idempotency-Key is sent again.' }),
  })
  .meta({ id: 'CreatedApiKey' });
export type CreatedApiKey = z.infer<typeof createdApiKey>;
