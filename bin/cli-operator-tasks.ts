/** `cli operator-tasks`: what a person has to decide, and the decision. */
import { idOf, queryOf, required, type CommandGroup } from './cli-command';
import { sheet, table, type Row } from './cli-output';

const columns = ['id', 'kind', 'subject', 'status', 'created_at', 'detail'];

/** The subject in one cell. */
function lineOf(row: Row): Row {
  const { type, id } = row['subject'] as { type: string; id: string };
  return { ...row, subject: `${type} ${id}` };
}

export const operatorTaskCommands: CommandGroup = {
  'operator-tasks list': {
    synopsis: '[--status open|resolved] [--kind KIND] [--subject-id ID] [--limit N]',
    text: '',
    options: ['status', 'kind', 'subject-id', 'limit'],
    async run(context) {
      const query = queryOf(context, 'status', 'kind', 'subject-id', 'limit');
      const answer = await context.call('GET', `/operator-tasks${query}`);
      const rows = (answer['data'] as Row[]).map(lineOf);
      return { answer, text: rows.length === 0 ? 'There are none.' : table(rows, columns) };
    },
  },
  'operator-tasks resolve': {
    synopsis: 'ID --reason TEXT [--outcome succeeded|failed] [--provider-reference REF]',
    text: 'decide it, with what the provider’s records say where that is asked for',
    options: ['reason', 'outcome', 'provider-reference'],
    async run(context) {
      const reason = required(context, 'reason', 'it is kept with the decision');
      const { outcome, 'provider-reference': provider_reference } = context.flags;
      const body = { reason, outcome, provider_reference };
      const answer = await context.call('POST', `/operator-tasks/${idOf(context)}/resolve`, body);
      return { answer, text: sheet(answer) };
    },
  },
};
