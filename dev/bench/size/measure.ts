/** What each statement of `calls.ts` reads, and how long it takes, in a database that has its rows. */
import { Client } from 'pg';
import { closeDatabase, createDatabase } from '../../../prisma/client';
import { calls } from './calls';
import { executeAgain, type Executed } from './plans';
import { recordStatements, type RecordedStatement } from './recorder';

export type Measured = RecordedStatement & Executed;

/** Makes every call, and executes again what it sent. */
export async function measureCalls(url: string): Promise<Measured[]> {
  const db = createDatabase(url, 4);
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const statements = await recordStatements(async (name) => {
      for (const call of calls) {
        name(call.name);
        await call.run(db, url);
      }
    });
    const measured: Measured[] = [];
    for (const statement of statements)
      measured.push({ ...statement, ...(await executeAgain(client, statement)) });
    return measured;
  } finally {
    await client.end();
    await closeDatabase(db);
  }
}

/** For people. */
export function described({ by, text, paths, rows }: Measured): string {
  return `${by}: ${rows} rows, ${paths.join(', ')}: ${text.replaceAll(/\s+/g, ' ').slice(-700)}`;
}
