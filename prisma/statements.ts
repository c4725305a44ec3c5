/**
 * Statements written by hand, as the driver takes them: their parameters, the names under which connections keep them
 * prepared, and how values are read.
 */
import { types, type QueryConfig, type QueryResult } from 'pg';
import { Prisma } from './generated/client';

/** Its text, with `$1` and so on for its values. `Prisma.Sql` is one. */
export type Statement = Pick<Prisma.Sql, 'text' | 'values'>;

/** Each is a template's tag, whose values become parameters; or takes a statement that exists already. */
export interface Statements {
  /** @returns the rows: `bigint` read as BigInt, JSON parsed, instants as Date */
  query<Rows extends readonly object[]>(
    statement: TemplateStringsArray | Statement,
    ...values: unknown[]
  ): Promise<Rows>;
  /** @returns how many rows it changed */
  execute(statement: TemplateStringsArray | Statement, ...values: unknown[]): Promise<number>;
  /**
   * Sends a statement of a transaction without waiting for its answer. The transaction does not commit when it fails,
   * and ends with its error.
   */
  enqueue(statement: TemplateStringsArray | Statement, ...values: unknown[]): void;
}

/** Where statements go. */
export interface Connection {
  run(statement: QueryConfig): Promise<QueryResult>;
  enqueue(statement: QueryConfig): void;
}

/** The name under which connections keep a statement prepared; '' when they do not. */
export type StatementNames = (statement: { sql: string }) => string;

/** Binds statements to a connection. */
export function statementsOver(connection: Connection, nameOf: StatementNames): Statements {
  const configOf = (given: TemplateStringsArray | Statement, values: readonly unknown[]): QueryConfig => {
    const { text, values: parameters } = 'text' in given ? given : Prisma.sql(given, ...values);
    return { name: nameOf({ sql: text }), text, values: parameters, types: typeParsers };
  };
  return {
    query: async <Rows extends readonly object[]>(
      given: TemplateStringsArray | Statement,
      ...values: unknown[]
    ) => (await connection.run(configOf(given, values))).rows as unknown as Rows,
    execute: async (given, ...values) => (await connection.run(configOf(given, values))).rowCount ?? 0,
    enqueue: (given, ...values) => connection.enqueue(configOf(given, values)),
  };
}

/** As Prisma reads them; the driver itself reads a `bigint` as text. */
const getTypeParser: typeof types.getTypeParser = (
  oid: Parameters<typeof types.getTypeParser>[0],
  format?: 'text' | 'binary',
) => (oid === types.builtins.INT8 ? BigInt : types.getTypeParser(oid, format as 'text'));
const typeParsers = { getTypeParser };

/** Of one connection; the product has fewer statements, save lists of varying length. */
const maxPreparedStatements = 500;

/** Names the first statements that are asked for; PostgreSQL parses and plans each once for each connection. */
export function createStatementNames(limit = maxPreparedStatements): StatementNames {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const name = names.get(sql);
    if (name !== undefined) return name;
    if (names.size >= limit) return '';
    const next = `s${names.size}`;
    names.set(sql, next);
    return next;
  };
}
