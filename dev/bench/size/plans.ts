/** How PostgreSQL executes a statement: which tables it reads as a whole, how many rows it touches, how long it takes. */
import type { Client } from 'pg';
import { bigTables } from './rows';
import type { RecordedStatement } from './recorder';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}
interface Explained {
  Plan: PlanNode;
  'Planning Time': number;
  'Execution Time': number;
}

export interface Executed {
  /** Big tables that are read as a whole. */
  wholeTables: string[];
  /** Rows of big tables that are read. */
  rows: number;
  /** Planning included, which a prepared statement has behind it; milliseconds. */
  ms: number;
  /** `table by index`, for people. */
  paths: string[];
}

/** A table that is no larger than that is read as a whole for good reason. */
const fewRows = 1_000;

/** Executes a statement as its transaction did, and undoes it. */
export async function executeAgain(client: Client, statement: RecordedStatement): Promise<Executed> {
  await client.query('BEGIN');
  try {
    for (const setting of statement.settings) await client.query(setting);
    const text = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`;
    const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(text, [...statement.values]);
    const [explained] = rows[0]?.['QUERY PLAN'] ?? [];
    if (explained === undefined) throw new Error('PostgreSQL explains nothing');
    return summaryOf(explained);
  } finally {
    await client.query('ROLLBACK');
  }
}

function summaryOf(explained: Explained): Executed {
  const nodes = nodesOf(explained.Plan).filter(({ 'Relation Name': table = '' }) =>
    bigTables.includes(table),
  );
  const tableOf = ({ 'Relation Name': table = '' }: PlanNode): string => table;
  return {
    wholeTables: nodes
      .filter((node) => node['Node Type'] === 'Seq Scan' && rowsReadBy(node) > fewRows)
      .map(tableOf),
    rows: Math.round(nodes.reduce((sum, node) => sum + rowsReadBy(node), 0)),
    ms: explained['Planning Time'] + explained['Execution Time'],
    paths: nodes.map((node) => `${tableOf(node)} by ${node['Index Name'] ?? node['Node Type']}`),
  };
}

function rowsReadBy(node: PlanNode): number {
  const ofOne =
    (node['Actual Rows'] ?? 0) +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  return ofOne * (node['Actual Loops'] ?? 1);
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
