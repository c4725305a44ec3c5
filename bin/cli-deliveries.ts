/** `cli deliveries`: what payment providers told by webhook, and having it looked at again. */
import { idOf, queryOf, type CommandGroup, type Outcome } from './cli-command';
import { sheet, table, type Row } from './cli-output';

const columns = ['id', 'event_type', 'payment_id', 'status', 'outcome', 'received_at'];
const filters = ['provider', 'status', 'payment-id', 'limit'];

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

export const deliveryCommands: CommandGroup = {
  'deliveries list': {
    synopsis: '[--provider P] [--status stored|processed|ignored|failed] [--payment-id ID] [--limit N]',
    text: '',
    options: filters,
    async run(context) {
      const answer = await context.call('GET', `/webhook-deliveries${queryOf(context, ...filters)}`);
      const rows = answer['data'] as Row[];
      return { answer, text: rows.length === 0 ? 'There are none.' : table(rows, columns) };
    },
  },
  'deliveries show': {
    synopsis: 'ID',
    text: '',
    run: async (context) => shown(await context.call('GET', `/webhook-deliveries/${idOf(context)}`)),
  },
  'deliveries replay': {
    synopsis: 'ID [--reason TEXT]',
    text: 'have the Payment Service look at the webhook again',
    options: ['reason'],
    async run(context) {
      const { reason } = context.flags;
      const path = `/webhook-deliveries/${idOf(context)}/replay`;
      return shown(await context.call('POST', path, reason === undefined ? undefined : { reason }));
    },
  },
};
