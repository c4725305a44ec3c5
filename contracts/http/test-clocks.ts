/** Test clocks: customers that are bound to one live by its time instead of real time. */
import { z } from 'zod';
import { maxAdvanceYears, testClockStatuses } from '../../domain/test-clock';
import { instant } from '../fields';

const firstYear = 1970;
const lastYear = 2200;

export const createTestClock = z
  .strictObject({
    now: instant
      .refine((now) => {
        const year = new Date(now).getUTCFullYear();
        return year >= firstYear && year <= lastYear;
      }, `must lie in the years ${firstYear} to ${lastYear}`)
      .meta({ description: 'What time it is for its customers.' }),
  })
  .meta({ id: 'CreateTestClock' });

export const advanceTestClock = z
  .strictObject({
    to: instant.meta({
      description: `At or after the clock’s own time, at most ${maxAdvanceYears} years ahead of it.`,
    }),
  })
  .meta({ id: 'AdvanceTestClock' });
export type AdvanceTestClock = z.output<typeof advanceTestClock>;

export const testClock = z
  .object({
    id: z.string(),
    now: instant,
    status: z.enum(testClockStatuses).meta({
      description: '`failed`: something did not come to rest within a minute; it can be advanced again.',
    }),
    target: instant.nullable().meta({ description: 'Where it is going, or was going when it failed.' }),
    steps: z.int().meta({ description: 'Due instants that the last advance has passed.' }),
    detail: z.string().nullable().meta({ description: 'What it waits for, or waited for when it failed.' }),
    created_at: instant.meta({ description: 'Real time.' }),
  })
  .meta({ id: 'TestClock' });
export type TestClock = z.infer<typeof testClock>;
