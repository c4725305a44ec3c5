/** Rounds of a race: who gets a head start, and how long it is, differs from round to round, the same in each run. */
import type { Database } from '../../prisma/client';

/** Lets runners start side by side, each after as many statements as a fixed generator says. */
export class Race {
  private state: number;

  constructor(
    private readonly db: Database,
    seed: number,
  ) {
    this.state = seed;
  }

  /** Runs all side by side. @throws what one of them throws, once all have ended */
  async run(...runners: (() => Promise<unknown>)[]): Promise<void> {
    const ended = await Promise.allSettled(
      runners.map(async (runner) => {
        const turns = this.below(2) * this.below(14);
        for (let turn = 0; turn < turns; turn += 1) await this.db.$queryRaw`SELECT 1`;
        await runner();
      }),
    );
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  private below(limit: number): number {
    this.state = (this.state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((this.state / 2 ** 31) * limit);
  }
}

/** How many deadlocks PostgreSQL has ended in this database. */
export async function deadlocksOf(db: Database): Promise<number> {
  const [row] = await db.$queryRaw<[{ deadlocks: bigint }]>`
    SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`;
  return Number(row.deadlocks);
}
