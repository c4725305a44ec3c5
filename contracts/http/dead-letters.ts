/** Dead letters: records that a consumer group could never handle, for operators. */
import { z } from 'zod';
import { actor, instant, text } from '../fields';
import { consumerGroups } from '../topics/topics';
import { pageQuery } from './lists';

export const deadLetterStatuses = ['open', 'redriven', 'discarded'] as const;

export const listDeadLetters = pageQuery.extend({
  group: z.enum(consumerGroups, `must be one of ${consumerGroups.join(', ')}`).optional(),
  status: z.enum(deadLetterStatuses, `must be one of ${deadLetterStatuses.join(', ')}`).optional(),
});

/** Why an operator does it; kept with the actor. */
export const resolveDeadLetter = z.strictObject({ reason: text(500) }).meta({ id: 'ResolveDeadLetter' });

export const deadLetter = z
  .object({
    id: z.string(),
    group: z.string(),
    topic: z.string(),
    partition: z.int(),
    offset: z.string().meta({ description: 'Decimal text.' }),
    last_offset: z
      .string()
      .nullable()
      .meta({ description: 'Of a batch that cannot be decoded: the last of its records; else null.' }),
    key: z.string().nullable(),
    value_bytes: z
      .int()
      .nullable()
      .meta({ description: 'The size of the value; null: it had none, or none that can be read.' }),
    event_id: z.string().nullable(),
    error_code: z.string(),
    error: z.string(),
    status: z.enum(deadLetterStatuses),
    redrive_requested_at: instant.nullable().meta({ description: 'The group takes it up again soon.' }),
    seen_at: instant,
    resolved: z.object({ at: instant, actor, reason: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetter>;

/** With the record itself. */
export const wholeDeadLetter = deadLetter
  .extend({
    value: z
      .object({ encoding: z.enum(['text', 'base64']), data: z.string() })
      .nullable()
      .meta({
        description:
          'null: the record had no value, or one that was too large to be kept or is kept no longer (`value_bytes`).',
      }),
    headers: z.record(z.string(), z.string()),
  })
  .meta({ id: 'WholeDeadLetter' });
export type WholeDeadLetter = z.infer<typeof wholeDeadLetter>;
