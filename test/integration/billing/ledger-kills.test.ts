/**
 * Each transaction that moves money is cut off before each of its statements, and once after its COMMIT: it leaves no
 * part of itself, the repeat is the first run's, and every fact has its entries.
 */
import { lastingViolations } from '../../chaos/invariants/ledger';
import { gatherLedger, type Ask } from '../../chaos/ledger-facts';
import { useBilling } from '../../support/billing';
import { StatementKills } from '../../support/statement-kills';
import { moneyMoves } from '../../support/money-moves';

const given = useBilling();
let kills: StatementKills;
let dumpSql: string;
beforeAll(async () => {
  kills = new StatementKills();
  const monthly = { currency: 'EUR', interval_unit: 'month', interval_count: 1 };
  await given.db.plan.createMany({
    data: [
      { id: 'platinum', name: 'Platinum', amount: 3000, ...monthly },
      {
        id: 'yearly',
        name: 'Yearly',
        amount: 12_000,
        currency: 'EUR',
        interval_unit: 'year',
        interval_count: 1,
      },
    ],
  });
  const tables = await given.db.$queryRaw<{ name: string }[]>`
    SELECT quote_ident(table_name) AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`;
  dumpSql = tables
    .map(({ name }) => `SELECT '${name} ' || t::text AS line FROM ${name} AS t`)
    .join(' UNION ALL ');
});
afterAll(() => kills.end());

const ask: Ask = (sql) => given.db.$queryRawUnsafe(sql);
const dump = async (): Promise<string[]> =>
  (await ask<{ line: string }>(`${dumpSql} ORDER BY line`)).map(({ line }) => line);
const violations = async (): Promise<string[]> => lastingViolations(await gatherLedger(ask, null));

test.each(Object.entries(moneyMoves))(
  '%s: cut off before any of its statements, nothing of it is there; the repeat is whole',
  async (_name, prepare) => {
    const move = await prepare(given);
    const before = await dump();
    expect(await violations()).toEqual([]);
    let statement = 1;
    while (await kills.during({ before: statement }, move)) {
      expect(await dump()).toEqual(before);
      statement += 1;
    }
    // BEGIN, a lock, a write and COMMIT at least: otherwise the cuts have missed it.
    expect(statement).toBeGreaterThan(4);
    const after = await dump();
    expect(after).not.toEqual(before);
    expect(await violations()).toEqual([]);
    await move();
    expect(await dump()).toEqual(after);
  },
);

test.each(Object.entries(moneyMoves))(
  '%s: cut off once it has committed, the repeat changes nothing',
  async (_name, prepare) => {
    await kills.during({ before: 0 }, await prepare(given));
    const { commits } = kills;
    for (let commit = 1; commit <= commits; commit += 1) {
      const move = await prepare(given);
      expect(await kills.during({ afterCommit: commit }, move)).toBe(true);
      expect(await violations()).toEqual([]);
      const cutOff = await dump();
      await move();
      const after = await dump();
      // What was cut off after its last COMMIT had nothing left to do.
      expect(commit === commits ? after : cutOff).toEqual(cutOff);
      expect(await violations()).toEqual([]);
      await move();
      expect(await dump()).toEqual(after);
    }
  },
);
