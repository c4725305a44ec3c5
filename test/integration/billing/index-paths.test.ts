/**
 * No statement reads a big table as a whole, or more rows than it has to, on many subscriptions with a year of
 * history. The statements are those that the product sends; `npm run bench -- size` has a million subscriptions.
 */
import { calls } from '../../../dev/bench/size/calls';
import { described, measureCalls, type Measured } from '../../../dev/bench/size/measure';
import { writeRows } from '../../../dev/bench/size/write';
import { createTestDatabase } from '../../support/servers/database';

const scale = {
  subscriptions: Number(process.env['SIZE_SUBSCRIPTIONS'] ?? 30_000),
  periods: 12,
  payments: 3,
};
/** Of one statement. A window of the reconciliation is 1,000 rows, each with a few others. */
const mostRows = 12_000;

let seen: Measured[] = [];

beforeAll(async () => {
  const database = await createTestDatabase();
  await writeRows(database.url, scale);
  seen = await measureCalls(database.url);
  await database.drop();
}, 300_000);

it('sees every call', () => {
  expect(new Set(seen.map(({ by }) => by)).size).toBe(calls.length);
});

it('reads no big table as a whole', () => {
  expect(seen.filter(({ wholeTables }) => wholeTables.length > 0).map(described)).toEqual([]);
});

it('reads few rows', () => {
  expect(seen.filter(({ rows }) => rows > mostRows).map(described)).toEqual([]);
});
