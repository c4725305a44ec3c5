/** Manual retries: what is asked for and what became of it. */
import { z } from 'zod';
import { retryRefusals } from '../../domain/retry/refusal';
import { customersInstant, id, realInstant, text } from '../fields';
import { payment } from './payments';

export const retryPayment = z
  .strictObject({ reason: text(500), payment_method_id: id.optional() })
  .meta({ id: 'RetryPayment' });
export type RetryPayment = z.output<typeof retryPayment>;

export const retryRequested = z
  .object({ retry_request_id: z.string(), payment })
  .meta({ id: 'RetryRequested' });

export const retryRequest = z
  .object({
    id: z.string(),
    payment_id: z.string(),
    payment_method_id: z.string().nullable(),
    reason: z.string(),
    status: z.enum(['requested', 'attempted', 'refused']),
    refusal: z
      .string()
      .nullable()
      .meta({ description: `One of ${retryRefusals.join(', ')}, or the attempt's own.` }),
    attempt: z.int().nullable().meta({ description: 'The number of the attempt that it led to.' }),
    bulk_retry_id: z.string().nullable().meta({ description: 'The bulk retry that it is part of.' }),
    at: customersInstant.meta({ description: 'When it was asked for, by the customer’s time.' }),
    requested_at: realInstant,
    settled_at: realInstant.nullable(),
  })
  .meta({ id: 'RetryRequest' });
export type RetryRequest = z.infer<typeof retryRequest>;
