/** Lists: pages of 1 to 100, continued by an opaque cursor. */
import { z } from 'zod';

const limitMessage = 'must be a whole number from 1 to 100';

export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,3}$/, limitMessage)
    .transform(Number)
    .pipe(z.number().min(1, limitMessage).max(100, limitMessage))
    .default(20),
  cursor: z.string().max(500).optional(),
});

/** `{ data, next_cursor }`; `next_cursor` is null on the last page. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), next_cursor: z.string().nullable() });
