/** `cli dead-letters`: records that a group could never handle, and what becomes of them. */
import { idOf, queryOf, required, type CommandGroup, type Context, type Outcome } from './cli-command';
import { sheet, table, type Row } from './cli-output';

const columns = ['id', 'group', 'topic', 'partition', 'offset', 'error_code', 'status', 'seen_at'];

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

async function decide(context: Context, decision: string): Promise<Outcome> {
  const reason = required(context, 'reason', 'it is kept with the decision');
  return shown(await context.call('POST', `/dead-letters/${idOf(context)}/${decision}`, { reason }));
}

export const deadLetterCommands: CommandGroup = {
  'dead-letters list': {
    synopsis: '[--group G] [--status open|redriven|discarded] [--limit N]',
    text: '',
    options: ['group', 'status', 'limit'],
    async run(context) {
      const answer = await context.call(
        'GET',
        `/dead-letters${queryOf(context, 'group', 'status', 'limit')}`,
      );
      const rows = answer['data'] as Row[];
      return { answer, text: rows.length === 0 ? 'There are none.' : table(rows, columns) };
    },
  },
  'dead-letters show': {
    synopsis: 'ID',
    text: '',
    run: async (context) => shown(await context.call('GET', `/dead-letters/${idOf(context)}`)),
  },
  'dead-letters redrive': {
    synopsis: 'ID --reason TEXT',
    text: 'have the group handle the record again',
    options: ['reason'],
    run: (context) => decide(context, 'redrive'),
  },
  'dead-letters discard': {
    synopsis: 'ID --reason TEXT',
    text: 'decide that it is never handled',
    options: ['reason'],
    run: (context) => decide(context, 'discard'),
  },
};
