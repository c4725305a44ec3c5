/** `cli deliveries`: webhooks of payment providers, and their replay. */
import { deliveryStatuses } from '../../contracts/http/webhook-deliveries';
import { idOf, type CommandGroup, type Outcome } from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis } from '../pages';

const columns = ['id', 'event_type', 'payment_id', 'status', 'outcome', 'received_at'];
const filters = ['provider', 'status', 'payment-id'];

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

export const deliveryCommands: CommandGroup = {
  'deliveries list': {
    synopsis: `[--provider P] [--status stored|processed|ignored|failed] [--payment-id ID] ${pageSynopsis}`,
    text: 'newest first',
    options: [...filters, ...pageOptions],
    run: async (context) =>
      listed(
        await requestPage(context, '/webhook-deliveries', filters, { status: deliveryStatuses }),
        columns,
      ),
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
