/** Writes the rows of `rows.ts` into a database that has its tables and nothing in them. */
import { Client } from 'pg';
import { findings, rowStatements, type Scale } from './rows';

/** Connections that write side by side. */
const writers = 2;

/** @param report a line for each table; left out: silent */
export async function writeRows(
  url: string,
  scale: Scale,
  report: (line: string) => void = () => undefined,
): Promise<void> {
  const waiting = rowStatements(scale);
  await Promise.all(
    Array.from({ length: writers }, () =>
      withoutChecks(url, async (client) => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const beganMs = performance.now();
          const { rowCount } = await client.query(next);
          const table = /INSERT INTO (\w+)/.exec(next)?.[1] ?? '';
          report(`  ${table}: ${rowCount ?? 0} rows, ${Math.round(performance.now() - beganMs)} ms`);
        }
      }),
    ),
  );
  await withoutChecks(url, async (client) => void (await client.query('VACUUM ANALYZE')));
}

/** Has some of it stuck. */
export async function writeFindings(url: string, count: number): Promise<void> {
  await withoutChecks(url, async (client) => {
    for (const statement of findings(count)) await client.query(statement);
  });
}

/** The rows agree with each other: no triggers, and no wait for the disk. */
async function withoutChecks(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `SET session_replication_role = replica; SET synchronous_commit = off; SET timezone = 'UTC'`,
    );
    await work(client);
  } finally {
    await client.end();
  }
}
