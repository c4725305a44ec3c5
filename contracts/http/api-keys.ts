/** API keys. The secret is answered once, when the key is made; only its hash is kept. */
import { z } from 'zod';
import { id, instant, reason, text } from '../fields';
import { presetNames, scope, scopes } from '../scopes';
import { pageQuery } from './lists';

export const createApiKey = z
  .strictObject({
    name: text(200),
    scopes: z
      .array(scope)
      .min(1, 'must name at least one scope')
      .max(scopes.length, `must be at most ${scopes.length} scopes`)
      .refine((names) => new Set(names).size === names.length, 'must not name a scope twice')
      .optional(),
    preset: z
      .enum(presetNames, `must be one of ${presetNames.join(', ')}`)
      .optional()
      .meta({ description: 'The scopes of such work, in place of `scopes`.' }),
    expires_at: instant.optional().meta({
      description: 'At most the end of the key that makes it; left out: that end, or none where it has none.',
    }),
    reason: reason.optional(),
  })
  .refine(({ scopes: named, preset }) => (named === undefined) !== (preset === undefined), {
    path: ['scopes'],
    message: 'must be given, or preset in their place',
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKey = z.output<typeof createApiKey>;

export const listApiKeys = pageQuery.extend({
  created_by: id.optional().meta({ description: 'Those that this key made.' }),
});

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
    created_by: z.string().nullable().meta({
      description: 'The key that made it; null: made by `bin/migrate`, or before this was kept.',
    }),
    last_used_at: instant
      .nullable()
      .meta({ description: 'To the minute; null: not used since this is kept.' }),
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
