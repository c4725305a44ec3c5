/** Activities that are a transaction of billing and nothing else: they are given the database. */
import type { Database } from '../prisma/client';

/** The functions without their first argument, the database. */
export type Bound<Functions> = {
  [Name in keyof Functions]: Functions[Name] extends (db: Database, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result
    : never;
};

/** Passes the database to each function. */
export function bindTo<Functions extends Record<string, (db: Database, ...rest: never[]) => unknown>>(
  db: Database,
  functions: Functions,
): Bound<Functions> {
  const bound = Object.entries(functions).map(([name, call]) => [
    name,
    (...rest: never[]) => call(db, ...rest),
  ]);
  return Object.fromEntries(bound) as Bound<Functions>;
}
