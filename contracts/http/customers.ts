/** Customers and their payment methods (tokens of the provider; never card data). */
import { z } from 'zod';
import { emailAddress } from '../email';
import { chosenId, id, instant, metadata, text, timeZone } from '../fields';
import { pageQuery } from './lists';

export const createCustomer = z
  .strictObject({
    id: chosenId.optional(),
    email: emailAddress.optional(),
    name: text(200).optional(),
    time_zone: timeZone.optional(),
    test_clock_id: id
      .optional()
      .meta({ description: 'The customer’s time is this clock’s, for ever; without one it is real.' }),
    metadata: metadata.optional(),
  })
  .meta({ id: 'CreateCustomer' });
export type CreateCustomer = z.output<typeof createCustomer>;

export const changeCustomer = z
  .strictObject({
    email: emailAddress.nullable().optional(),
    name: text(200).nullable().optional(),
    time_zone: timeZone.optional(),
    default_payment_method_id: id.optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'ChangeCustomer' });

export const customer = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    time_zone: z.string(),
    test_clock_id: z.string().nullable(),
    default_payment_method_id: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    created_at: instant,
  })
  .meta({ id: 'Customer' });
export type Customer = z.infer<typeof customer>;

export const erasure = z
  .object({
    status: z
      .enum(['running', 'done'])
      .meta({ description: 'running: it continues by itself; nothing is charged any more.' }),
    rows: z.int().meta({ description: 'Rows that something personal was removed from.' }),
    started_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'Erasure' });
export type Erasure = z.infer<typeof erasure>;

export const erasedCustomer = customer.extend({ erasure }).meta({ id: 'ErasedCustomer' });

/** Keys that callers chose are part of its cursor. */
export const exportQuery = pageQuery.extend({ cursor: z.string().max(2_000).optional() });

export const exportedRow = z
  .object({
    table: z.string().meta({ description: 'Where it lies.' }),
    data: z.record(z.string(), z.unknown()).meta({ description: 'The row; bytes as text, else as base64.' }),
  })
  .meta({ id: 'ExportedRow' });
export type ExportedRow = z.infer<typeof exportedRow>;

export const createPaymentMethod = z
  .strictObject({
    provider: text(40),
    token: z
      .string()
      .min(1, 'must not be empty')
      .max(255, 'must be at most 255 characters')
      .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
      .meta({ description: 'The provider’s token; a card number is refused.', example: 'tok_ok' }),
    brand: text(40).optional(),
    last4: z
      .string()
      .regex(/^\d{4}$/, 'must be four digits')
      .optional(),
    exp_month: z.int().min(1).max(12).optional(),
    exp_year: z.int().min(2000).max(2100).optional(),
    default: z.boolean().optional(),
  })
  .meta({ id: 'CreatePaymentMethod' });
export type CreatePaymentMethod = z.output<typeof createPaymentMethod>;

export const paymentMethod = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    provider: z.string(),
    brand: z.string().nullable(),
    last4: z.string().nullable(),
    exp_month: z.int().nullable(),
    exp_year: z.int().nullable(),
    default: z.boolean(),
    created_at: instant,
  })
  .meta({ id: 'PaymentMethod' });
export type PaymentMethod = z.infer<typeof paymentMethod>;

export const deletePaymentMethod = z.strictObject({
  force: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .meta({ description: 'Delete it although it is in use: nothing is collected until a new one comes.' }),
});
