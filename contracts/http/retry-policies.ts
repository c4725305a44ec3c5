/** Retry policies: their versions, and what they would do with a failure. */
import { z } from 'zod';
import { declineCategories, declineCodes } from '../../domain/payment/payment';
import { previewKinds } from '../../domain/retry/preview';
import { actor, instant, localInstant, queryNumber, reason, text, timeZone } from '../fields';
import { retryPolicyDocument } from '../retry-policy';

export const readRetryPolicy = z.strictObject({
  version: queryNumber(1, 999_999_999, 'must be a whole number from 1 on')
    .optional()
    .meta({ description: 'An earlier version; the current one when left out.' }),
});

/** The body is the document alone. */
export const putRetryPolicy = z.strictObject({ reason: reason.optional() });

export const retryPolicy = z
  .object({
    id: z.string(),
    version: z.int(),
    ...retryPolicyDocument.shape,
    created_at: instant.nullable().meta({ description: 'null: it came with the product.' }),
    actor: actor.meta({ description: 'Who wrote this version.' }),
    warnings: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .meta({ description: 'What is allowed and perhaps not meant.' }),
  })
  .meta({ id: 'RetryPolicy' });
export type RetryPolicyAnswer = z.infer<typeof retryPolicy>;

const names = [...new Set([...declineCodes, ...declineCategories])];

export const previewRetryPolicy = z
  .strictObject({
    category: z
      .enum(names, `must be a decline code or category: ${names.join(', ')}`)
      .meta({ description: 'Why the payment fails, each time.', example: 'insufficient_funds' }),
    failed_at: instant.optional().meta({ description: 'The first failure; now when left out.' }),
    time_zone: timeZone.optional().meta({ description: 'The customer’s; UTC when left out.' }),
    network: text(40)
      .optional()
      .meta({ description: 'The card’s network or brand; not known when left out.', example: 'visa' }),
    earlier_attempts: z
      .array(instant)
      .max(1000, 'must have at most 1000 attempts')
      .optional()
      .meta({ description: 'Attempts with the same payment method before, whatever payment they were for.' }),
  })
  .meta({ id: 'PreviewRetryPolicy' });
export type PreviewRetryPolicy = z.output<typeof previewRetryPolicy>;

export const retryPreview = z
  .object({
    policy_id: z.string(),
    version: z.int(),
    entries: z.array(
      z.object({
        kind: z.enum(previewKinds),
        at: instant,
        local: localInstant.meta({ description: 'The same instant with the offset of the customer’s zone.' }),
        reason: z.string(),
      }),
    ),
  })
  .meta({ id: 'RetryPreview' });
export type RetryPreview = z.infer<typeof retryPreview>;
