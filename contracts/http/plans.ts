/** Plans: what is sold. A plan's price never changes; for another price another plan is made. */
import { z } from 'zod';
import { maxPrice } from '../../domain/money';
import { amount, chosenId, currency, instant, interval, metadata, text } from '../fields';

export const createPlan = z
  .strictObject({
    id: chosenId
      .optional()
      .meta({ description: 'Chosen by the caller, such as `gold-monthly`; made when left out.' }),
    name: text(200),
    currency,
    amount: amount(maxPrice).meta({
      example: 1000,
      description: 'Minor units for one interval and quantity 1.',
    }),
    interval,
    trial_days: z.int().min(0).max(730).optional(),
    metadata: metadata.optional(),
  })
  .meta({ id: 'CreatePlan' });
export type CreatePlan = z.output<typeof createPlan>;

export const changePlan = z
  .strictObject({ name: text(200).optional(), active: z.boolean().optional() })
  .meta({ id: 'ChangePlan' });

export const plan = z
  .object({
    id: z.string(),
    name: z.string(),
    currency: z.string(),
    amount: z.int(),
    interval: z.object({ unit: z.string(), count: z.int() }),
    trial_days: z.int(),
    active: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    created_at: instant,
  })
  .meta({ id: 'Plan' });
export type Plan = z.infer<typeof plan>;
