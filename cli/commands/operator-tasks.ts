/** `cli operator-tasks`: what a person has to decide, and the decision. */
import { operatorTaskKinds } from '../../domain/payment/operator-task';
import { idOf, required, requireOneOf, type CommandGroup } from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis } from '../pages';

const columns = ['id', 'kind', 'subject', 'status', 'created_at', 'detail'];
const filters = ['status', 'kind', 'subject-id'];
const choices = { status: ['open', 'resolved'], kind: operatorTaskKinds };

/** The subject in one cell. */
function lineOf(row: Row): Row {
  const { type, id } = row['subject'] as { type: string; id: string };
  return { ...row, subject: `${type} ${id}` };
}

export const operatorTaskCommands: CommandGroup = {
  'operator-tasks list': {
    synopsis: `[--status open|resolved] [--kind KIND] [--subject-id ID] ${pageSynopsis}`,
    text: 'newest first',
    options: [...filters, ...pageOptions],
    run: async (context) =>
      listed(await requestPage(context, '/operator-tasks', filters, choices), columns, lineOf),
  },
  'operator-tasks resolve': {
    synopsis: 'ID --reason TEXT [--outcome succeeded|failed] [--provider-reference REF]',
    text: 'decide it, with what the provider’s records say where that is asked for',
    options: ['reason', 'outcome', 'provider-reference'],
    async run(context) {
      const reason = required(context, 'reason', 'it is kept with the decision');
      requireOneOf(context, 'outcome', ['succeeded', 'failed']);
      const { outcome, 'provider-reference': provider_reference } = context.flags;
      const body = { reason, outcome, provider_reference };
      const answer = await context.call('POST', `/operator-tasks/${idOf(context)}/resolve`, body);
      return { answer, text: sheet(answer) };
    },
  },
};
