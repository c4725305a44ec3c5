/** The plans of lives at random: each price and length in each currency, in two plans, so that one can replace the other. */
import type { Database } from '../../../prisma/client';
import { limitsByCurrency } from './played-provider';

const prices = [0, 20, 120, 999, 1000, 1005, 3000, 3333, 10_000, 12_000];
const lengths = [7, 30, 365];
const twins = ['a', 'b'];

/** What a subscription sells. */
export interface Sold {
  planId: string;
  quantity: number;
}

const planId = (currency: string, price: number, days: number, twin: string) =>
  `${currency}-${price}-${days}-${twin}`.toLowerCase();

export async function seedPlans(db: Database): Promise<void> {
  const data = Object.keys(limitsByCurrency).flatMap((currency) =>
    prices.flatMap((amount) =>
      lengths.flatMap((days) =>
        twins.map((twin) => {
          const id = planId(currency, amount, days, twin);
          return { id, name: id, currency, amount, interval_unit: 'day', interval_count: days };
        }),
      ),
    ),
  );
  await db.plan.createMany({ data });
}

/** In which ways a price can be asked for: plan by quantity. */
export function waysToSell(currency: string, { price, days }: { price: number; days: number }): Sold[] {
  const quantities = (unit: number) => (unit === 0 ? [1, 2] : price % unit === 0 ? [price / unit] : []);
  return prices
    .filter((unit) => (unit === 0) === (price === 0))
    .flatMap((unit) =>
      quantities(unit).flatMap((quantity) =>
        twins.map((twin) => ({ planId: planId(currency, unit, days, twin), quantity })),
      ),
    );
}
