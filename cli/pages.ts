/** Pages of lists and timelines, as people read them and as commands ask for them. */
import {
  queryOf,
  requireChoices,
  wholeNumber,
  type CommandOption,
  type Context,
  type Outcome,
} from './command';
import { table, type Row } from './output';
import { line } from './terminal-text';
import { moneyText } from '../domain/money';

export const limitOption: CommandOption = { name: 'limit', value: 'N', text: 'rows of a page, 1 to 100' };
/** Options that every page takes. */
export const pageOptions: readonly CommandOption[] = [
  limitOption,
  { name: 'cursor', value: 'C', text: 'continues the page that named it' },
];

/**
 * Asks for a page. @param filters options that are passed on
 * @throws UsageError
 */
export function requestPage(
  context: Context,
  path: string,
  filters: readonly CommandOption[] = [],
): Promise<Row> {
  requireChoices(context, filters);
  wholeNumber(context, 'limit', 1, 100);
  const names = [...filters, ...pageOptions].map(({ name }) => name);
  return context.call('GET', `${path}${queryOf(context, ...names)}`);
}

/** An amount of money. */
export const amountOption: CommandOption = {
  name: 'amount',
  value: 'MINOR_UNITS',
  text: 'such as 250 for 2.50 EUR',
};

/**
 * Columns that are left out where no row has anything in them: the real instant of what stands at another one by the
 * customer's time, and money of which there is seldom any.
 */
const seldom: ReadonlySet<string> = new Set([
  'recorded',
  'refunded_amount',
  'disputed_amount',
  'lost_amount',
  'disputed',
  'credit_disputed',
]);

/** The columns that say something. */
export function columnsOf(rows: readonly Row[], columns: readonly string[]): readonly string[] {
  return columns.filter((name) => !seldom.has(name) || rows.some((row) => (row[name] ?? '') !== ''));
}

/** Amounts of a row in the currency's own units; nothing in place of 0. */
export function seldomMoney(row: Row, names: readonly string[]): Row {
  const textOf = (name: string) => {
    const amount = Number(row[name] ?? 0);
    return amount === 0 ? '' : moneyText(amount, String(row['currency']));
  };
  return Object.fromEntries(names.map((name) => [name, textOf(name)]));
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
  const more = typeof next === 'string' ? [line`There is more: --cursor ${next}`] : [];
  const text = rows.length === 0 ? 'There are none.' : table(rows, columnsOf(rows, columns), widest);
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
  const lineOf = (row: Row): Row => {
    const actor = row['actor'] as { id: string; reason: string | null } | null;
    const why = actor?.reason ?? null;
    return {
      ...row,
      recorded: recordedText(row),
      by: actor?.id,
      title: `${String(row['title'])}${why === null ? '' : ` (${why})`}`,
    };
  };
  const { text } = listed(answer, ['at', 'recorded', 'kind', 'by', 'title'], lineOf, widestTitle);
  const omitted = (answer['omitted'] as { scope: string; types: string[] }[] | undefined) ?? [];
  const notes = omitted.map(
    ({ scope, types }) => line`Not shown, as the key lacks the scope ${scope}: ${types.join(', ')}`,
  );
  return { answer, text: [text, ...notes].join('\n') };
}

/** When it was recorded; nothing where that is when it happened, to the minute. */
export function recordedText({ at, recorded_at: recordedAt }: Row): string {
  if (typeof at !== 'string' || typeof recordedAt !== 'string') return '';
  return Math.abs(Date.parse(at) - Date.parse(recordedAt)) < 60_000 ? '' : recordedAt;
}
