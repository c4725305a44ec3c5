import fc from 'fast-check';
import { completed, useBilling } from '../../support/billing';
import { startLife, type SubscriptionLife } from '../../support/subscription-life';
import { SubscriptionModel, type Command } from '../../support/subscription-model';

const given = useBilling();
beforeAll(async () => {
  const monthly = { currency: 'EUR', interval_unit: 'month', interval_count: 1 };
  await given.db.plan.create({ data: { id: 'platinum', name: 'Platinum', amount: 3000, ...monthly } });
  given.provider.charges = [completed];
});

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), hours: fc.integer({ min: 1, max: 2_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('sell' as const),
      price: fc.constantFrom('gold' as const, 'platinum' as const),
      quantity: fc.integer({ min: 1, max: 4 }),
      how: fc.constantFrom(
        'charge_now' as const,
        'next_renewal' as const,
        'none' as const,
        'period_end' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('pause' as const),
      forHours: fc.option(fc.integer({ min: 1, max: 1_500 }), { nil: null }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      when: fc.constantFrom('period_end' as const, 'period_end' as const, 'now' as const),
    }),
  },
);
const start = fc.record({
  at: fc.date({
    min: new Date('2027-01-01T00:00:00Z'),
    max: new Date('2028-12-31T00:00:00Z'),
    noInvalidDate: true,
  }),
  zone: fc.constantFrom(
    'UTC',
    'Europe/Moscow',
    'America/New_York',
    'Pacific/Kiritimati',
    'Pacific/Pago_Pago',
  ),
});

const inOrder = (amounts: number[]) => amounts.toSorted((a, b) => a - b);

async function execute(lived: SubscriptionLife, model: SubscriptionModel, request: Command): Promise<string> {
  switch (request.do) {
    case 'advance':
      await lived.advance(new Date(model.now).toISOString());
      return 'committed';
    case 'sell': {
      const { price: plan_id, quantity, how } = request;
      const proration = how === 'period_end' ? 'none' : how;
      const effective = how === 'period_end' ? 'period_end' : 'now';
      return (await lived.change({ plan_id, quantity, proration, effective })).kind;
    }
    case 'pause': {
      const until = request.forHours === null ? undefined : model.now + request.forHours * 3_600_000;
      return (await lived.pause(until === undefined ? undefined : new Date(until).toISOString())).kind;
    }
    case 'resume':
      return (await lived.resume()).kind;
    case 'revoke':
      return (await lived.change({ cancel_at_period_end: false })).kind;
    case 'cancel':
      return (await lived.cancel({ mode: request.when })).kind;
  }
}

it('200 random lives agree with a plain model: states, periods, amounts, and the provider’s ledger', async () => {
  await fc.assert(
    fc.asyncProperty(
      start,
      fc.array(command, { minLength: 3, maxLength: 14 }),
      async ({ at, zone }, requests) => {
        const beganMs = at.getTime();
        const askedBefore = given.provider.asked.length;
        const lived = await startLife(given, at.toISOString(), {}, zone);
        const model = new SubscriptionModel(zone, beganMs);
        for (const request of requests) {
          const possible = model.execute(request);
          const kind = await execute(lived, model, request);
          expect([request, kind]).toEqual([request, possible ? 'committed' : 'refused']);
          const row = await lived.read();
          expect({
            status: row.status,
            amount: row.amount,
            balance: row.balance,
            cancel_at: row.cancel_at,
          }).toEqual({
            status: model.status,
            amount: model.amount(),
            balance: model.balance,
            cancel_at: model.cancelAt === null ? null : new Date(model.cancelAt).toISOString(),
          });
        }
        const periods = model.periods.map(({ index, start: from, end }) => ({
          index,
          start: new Date(from).toISOString(),
          end: new Date(end).toISOString(),
          paid: true,
        }));
        expect(await lived.periods()).toEqual(periods);
        const ledger = given.provider.asked.slice(askedBefore).map(({ amount }) => amount);
        expect(ledger).toEqual(model.charges);
        const payments = await given.db.payment.findMany({
          where: { subscription_id: lived.id, status: 'completed' },
        });
        expect(inOrder(payments.map(({ amount }) => Number(amount)))).toEqual(inOrder(model.charges));
      },
    ),
    { seed: 20_270_131, numRuns: 200 },
  );
}, 600_000);
