/** Pages of lists and timelines, as people read them and as commands ask for them. */
import { queryOf, requireOneOf, wholeNumber, type Context, type Outcome } from './command';
import { table, type Row } from './output';
import { moneyText } from '../domain/money';

/** Options that every page takes. */
export const pageOptions = ['limit', 'cursor'];
export const pageSynopsis = '[--limit N] [--cursor C]';

/**
 * Asks for a page. @param filters options that are passed on @param choices those of them that have a closed list
 * @throws UsageError
 */
export function requestPage(
  context: Context,
  path: string,
  filters: readonly string[] = [],
  choices: Readonly<Record<string, readonly string[]>> = {},
): Promise<Row> {
  for (const [name, values] of Object.entries(choices)) requireOneOf(context, name, values);
  wholeNumber(context, 'limit', 1, 100);
  return context.call('GET', `${path}${queryOf(context, ...filters, ...pageOptions)}`);
}

/** A table, and how to continue. @param lineOf what a row shows in the columns */
export function listed(
  answer: Row,
  columns: readonly string[],
  lineOf: (row: Row) => Row = (row) => row,
  widest?: number,
): Outcome {
  const rows = (answer['data'] as Row[]).map(lineOf);
  const next = answer['next_cursor'];
  const more = typeof next === 'string' ? [`There is more: --cursor ${next}`] : [];
  const text = rows.length === 0 ? 'There are none.' : table(rows, columns, widest);
  return { answer, text: [text, ...more].join('\n') };
}

/** The row with its amount in the currency's own units. */
export function withMoney(row: Row): Row {
  return { ...row, amount: moneyText(Number(row['amount']), String(row['currency'])) };
}

const widestTitle = 110;

/** One page of what happened, oldest first. */
export async function timelineOf(context: Context, path: string): Promise<Outcome> {
  const answer = await requestPage(context, `${path}/timeline`);
  const line = (row: Row): Row => {
    const actor = row['actor'] as { id: string; reason: string | null } | null;
    const why = actor?.reason ?? null;
    return { ...row, by: actor?.id, title: `${String(row['title'])}${why === null ? '' : ` (${why})`}` };
  };
  return listed(answer, ['at', 'kind', 'by', 'title'], line, widestTitle);
}
