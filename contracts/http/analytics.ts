/** Series for people who watch the business: one entry for each day (UTC). */
import { z } from 'zod';
import { currency, day, id } from '../fields';

const range = { from: day.optional(), to: day.optional() };

export const revenueQuery = z.strictObject({ ...range, currency });
export const activeQuery = z.strictObject({ ...range, plan_id: id.optional() });

export const revenueSeries = z
  .object({
    currency: z.string(),
    data: z.array(
      z.object({
        date: day,
        mrr: z.int().meta({ description: 'Monthly recurring revenue at the end of the day, minor units.' }),
        new: z.int(),
        expansion: z.int(),
        contraction: z.int().meta({ description: '0 or less.' }),
        churn: z.int().meta({ description: '0 or less.' }),
        recovery: z.int(),
      }),
    ),
  })
  .meta({ id: 'RevenueSeries' });
export type RevenueSeries = z.infer<typeof revenueSeries>;

export const recoveryQuery = z.strictObject({ ...range, currency });

export const recoverySeries = z
  .object({
    currency: z.string(),
    data: z.array(
      z.object({
        date: day,
        past_due: z.int().meta({ description: 'Subscriptions that became past due.' }),
        recovered: z.int().meta({ description: 'Those that were paid after all.' }),
        lost: z.int().meta({ description: 'Those that ended, or were paused, unpaid.' }),
        past_due_mrr: z.int().meta({ description: 'What those that became past due are worth a month.' }),
        recovered_mrr: z.int(),
        lost_mrr: z.int(),
      }),
    ),
  })
  .meta({ id: 'RecoverySeries' });
export type RecoverySeries = z.infer<typeof recoverySeries>;

export const activeSeries = z
  .object({ data: z.array(z.object({ date: day, plan_id: z.string(), active: z.int() })) })
  .meta({ id: 'ActiveSeries' });
export type ActiveSeries = z.infer<typeof activeSeries>;
