/** `perennial bulk-retry`: many failed payments tried again, and how far that is. */
import {
  idOf,
  queryOf,
  reasonOption,
  required,
  UsageError,
  type CommandGroup,
  type CommandOption,
  type Context,
  type Outcome,
} from '../command';
import { moneyText } from '../../domain/money';
import { sheet, table, type Row } from '../output';
import { line } from '../terminal-text';
import { progressOn, type Watching } from '../progress';

interface Progress {
  total: number;
  attempted: number;
  refused: number;
  remaining: number;
}

const pollEveryMs = 1_000;
const filters: readonly CommandOption[] = [
  {
    name: 'categories',
    value: 'C,C',
    text: 'failed for one of these: decline codes or categories, comma-separated',
  },
  { name: 'provider', value: 'P', text: 'where the latest attempt was made' },
  { name: 'plan-id', value: 'ID', text: 'of the subscriptions' },
  { name: 'failed-from', value: 'T', text: 'failed then or later' },
  { name: 'failed-to', value: 'T', text: 'failed before' },
];
const reason = reasonOption('kept with each payment');
const watchOption: CommandOption = { name: 'watch', text: 'show how far it is until it is over' };
const listOptions: readonly CommandOption[] = [
  { name: 'status', value: 'S', text: 'only these' },
  { name: 'limit', value: 'N', text: 'rows, 1 to 100' },
];
const columns = ['id', 'status', 'progress', 'rate_per_second', 'created_at', 'reason'];

function progressText(row: Row): string {
  const progress = row['progress'] as Progress | null;
  if (progress === null) return 'nothing is tried';
  const { total, attempted, refused, remaining } = progress;
  return `${attempted} attempted, ${refused} refused, ${remaining} of ${total} remain`;
}

/** One bulk retry: what it is, and what a preview found. */
function shown(answer: Row): Outcome {
  const { preview, progress: _, filter, decision, ...rest } = answer;
  const more = decision === null ? {} : { decision };
  const text = [sheet({ ...rest, filter, ...more, progress: progressText(answer) })];
  if (preview !== null) text.push('', previewText(preview as Parameters<typeof previewText>[0]));
  return { answer, text: text.join('\n') };
}

function previewText(preview: {
  count: number;
  sums: { currency: string; amount: number }[];
  refusals: { reason: string; count: number }[];
}): string {
  const sums = preview.sums.map(({ currency, amount }) => moneyText(amount, currency)).join(', ');
  const tried = line`${preview.count} payments would be tried${sums === '' ? '' : `: ${sums}`}`;
  if (preview.refusals.length === 0) return `${tried}; none would be refused.`;
  return [tried, '', table(preview.refusals, ['reason', 'count'])].join('\n');
}

function bodyOf({ flags, isOn }: Context, preview: boolean): object {
  const rate = flags['rate'];
  if (rate !== undefined && !/^\d{1,9}$/.test(rate)) throw new UsageError('--rate must be a whole number');
  return {
    filter: {
      categories: flags['categories']?.split(','),
      provider: flags['provider'],
      plan_id: flags['plan-id'],
      failed_from: flags['failed-from'],
      failed_to: flags['failed-to'],
    },
    reason: preview ? (flags['reason'] ?? 'a preview') : flags['reason'],
    rate_per_second: rate === undefined ? undefined : Number(rate),
    preview,
    confirm_all: isOn('confirm-all') ? true : undefined,
  };
}

const isInProgress = ({ status }: Row): boolean => status === 'running' || status === 'paused';

/** Looks again and again, and shows how far it is, until it is over. */
async function watch({ call }: Context, first: Row, { screen, pause }: Watching): Promise<Row> {
  const progress = progressOn(screen);
  const show = (row: Row): void => {
    const { total, remaining } = row['progress'] as Progress;
    progress.show({ done: total - remaining, total, text: `${String(row['status'])}: ${progressText(row)}` });
  };
  let row = first;
  show(row);
  while (isInProgress(row)) {
    await pause(pollEveryMs);
    row = await call('GET', `/bulk-retries/${encodeURIComponent(String(first['id']))}`);
    show(row);
  }
  progress.end();
  return row;
}

export function bulkRetryCommands(watching: Watching): CommandGroup {
  const perhapsWatched = async (context: Context, row: Row): Promise<Outcome> =>
    shown(context.isOn('watch') && isInProgress(row) ? await watch(context, row, watching) : row);
  const decision = (command: string, text: string): CommandGroup => ({
    [`bulk-retry ${command}`]: {
      argument: 'ID',
      text,
      options: [reasonOption()],
      async run(context) {
        const reason = required(context, 'reason', 'it is kept with the decision');
        return shown(await context.call('POST', `/bulk-retries/${idOf(context)}/${command}`, { reason }));
      },
    },
  });
  return {
    'bulk-retry preview': {
      text: 'how many it would try, and which it would not',
      options: [...filters, { ...reason, isRequired: false }],
      run: async (context) => shown(await context.call('POST', '/bulk-retries', bodyOf(context, true))),
    },
    'bulk-retry start': {
      text: 'try all that failed and that the filter lets through',
      options: [
        ...filters,
        reason,
        { name: 'rate', value: 'N', text: 'payments a second' },
        { name: 'confirm-all', text: 'needed when no filter is given' },
        watchOption,
      ],
      async run(context) {
        required(context, 'reason', 'it is kept with each payment');
        return perhapsWatched(context, await context.call('POST', '/bulk-retries', bodyOf(context, false)));
      },
    },
    'bulk-retry list': {
      text: 'bulk retries, newest first',
      options: listOptions,
      async run(context) {
        const answer = await context.call('GET', `/bulk-retries${queryOf(context, 'status', 'limit')}`);
        const rows = (answer['data'] as Row[]).map((row) => ({ ...row, progress: progressText(row) }));
        return { answer, text: rows.length === 0 ? 'There are none.' : table(rows, columns) };
      },
    },
    'bulk-retry show': {
      argument: 'ID',
      text: 'how far it is; with --watch until it is over',
      options: [watchOption],
      run: async (context) =>
        perhapsWatched(context, await context.call('GET', `/bulk-retries/${idOf(context)}`)),
    },
    ...decision('pause', 'hand nothing over until it is resumed'),
    ...decision('resume', 'hand payments over again'),
    ...decision('cancel', 'hand nothing over any more, for good'),
  };
}
