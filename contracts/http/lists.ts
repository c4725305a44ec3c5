/** Lists: pages of 1 to 100, continued by an opaque cursor. */
import { z } from 'zod';
import { queryNumber } from '../fields';

export const pageQuery = z.strictObject({
  limit: queryNumber(1, 100, 'must be a whole number from 1 to 100')
    .default(20)
    .meta({ override: { default: 20 } }),
  cursor: z.string().max(500).optional(),
});

/** `{ data, next_cursor }`; `next_cursor` is null on the last page. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), next_cursor: z.string().nullable() });
