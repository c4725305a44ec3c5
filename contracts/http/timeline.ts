/** The timeline of a subscription or payment, and the audit log, as the API shows them. */
import { z } from 'zod';
import { timelineKinds, timelineSources } from '../../domain/timeline/timeline';
import { customersInstant, id, realInstant, recordedActor, text } from '../fields';
import { scope } from '../scopes';
import { listOf, pageQuery } from './lists';

export const timelineEntry = z
  .object({
    at: customersInstant.meta({
      description:
        'When it happened, by the customer’s time: real, or of their test clock. Entries are in its order.',
    }),
    recorded_at: realInstant.meta({ description: 'Real time at which it was written down.' }),
    kind: z.enum(timelineKinds),
    title: z.string().meta({ description: 'A sentence for people; may be worded otherwise tomorrow.' }),
    actor: recordedActor.nullable().meta({ description: 'null: nobody in particular.' }),
    ref: z
      .object({ type: z.enum(timelineSources), id: z.string() })
      .meta({ description: 'What the entry was read from.' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'TimelineEntry' });
export type TimelineEntry = z.infer<typeof timelineEntry>;

const omittedEntries = z.object({ scope, types: z.array(z.enum(timelineSources)) }).meta({
  id: 'OmittedEntries',
  description: 'Entries that the API key may not read, and the scope that they need.',
});
export type OmittedEntries = z.infer<typeof omittedEntries>;

/** Read page by page, as every list. */
export const timelinePage = listOf(timelineEntry).extend({
  omitted: z.array(omittedEntries).meta({
    description:
      'What was left out because the API key lacks the scope, if there is any; empty: the timeline is whole.',
  }),
});

export const listAudit = pageQuery.extend({
  subject: id.optional().meta({ description: 'The id of what the calls were about.' }),
  actor: id.optional().meta({ description: 'The API key’s id, or the source of records from outside.' }),
  action: text(200).optional().meta({ example: 'POST /payments/{payment_id}/retry' }),
});

const failedSignIn = z
  .object({
    failure: z.enum(['missing', 'malformed', 'unknown', 'expired', 'revoked', 'several']),
    network: z.string().meta({
      description: 'The /24 or /64 from which it came; `elsewhere` for what a minute had no more rows for.',
    }),
    prefix: z
      .string()
      .nullable()
      .meta({ description: 'The first 8 characters of a token in the form of a key.' }),
    count: z.int().meta({ description: 'How many there were; the first of a minute has a row of its own.' }),
  })
  .meta({ id: 'FailedSignIn' });

export const auditedCall = z
  .object({
    at: realInstant,
    actor: recordedActor,
    action: z.string().meta({
      description:
        'Method and route, the topic of a record from outside, `sign_in`: calls without a valid key, or `bin/migrate`: it made or changed the bootstrap key.',
    }),
    subject_id: z.string().nullable(),
    request_id: z.string(),
    status: z.int().nullable().meta({
      description:
        'null: the call began and its outcome was not written. It may have had its effect or not: what it was about says.',
    }),
    code: z.string().nullable().meta({ description: 'Of the problem, when it was refused.' }),
    replayed: z
      .boolean()
      .meta({ description: 'Answered as the first request with its Idempotency-Key was.' }),
    sign_in: failedSignIn.nullable().meta({ description: 'Of calls without a valid key.' }),
  })
  .meta({ id: 'AuditedCall' });
export type AuditedCall = z.infer<typeof auditedCall>;
