/** What the service says about itself: alive, ready, and what its problems mean. */
import { z } from 'zod';

export const alive = z.object({ status: z.enum(['ok']) }).meta({ id: 'Alive' });

export const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    parts: z.array(
      z.object({
        name: z.string().meta({ example: 'postgres' }),
        state: z.enum(['up', 'down']),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Readiness' });
export type Readiness = z.infer<typeof readiness>;

export const problemExplanation = z
  .object({ code: z.string(), status: z.int(), title: z.string(), text: z.string() })
  .meta({ id: 'ProblemExplanation' });
