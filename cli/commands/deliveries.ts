/** `perennial deliveries`: webhooks of payment providers, and their replay. */
import { deliveryStatuses } from '../../contracts/http/webhook-deliveries';
import { idOf, reasonOption, type CommandGroup, type CommandOption, type Outcome } from '../command';
import { sheet, type Row } from '../output';
import { requestPage, listed, pageOptions } from '../pages';

const columns = ['id', 'event_type', 'payment_id', 'status', 'outcome', 'received_at'];
const filters: readonly CommandOption[] = [
  { name: 'provider', value: 'P', text: 'that sent them' },
  { name: 'status', value: 'S', text: 'only these', choices: deliveryStatuses },
  { name: 'payment-id', value: 'ID', text: 'about this payment' },
];

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

export const deliveryCommands: CommandGroup = {
  'deliveries list': {
    text: 'webhooks of payment providers, newest first',
    options: [...filters, ...pageOptions],
    run: async (context) => listed(await requestPage(context, '/webhook-deliveries', filters), columns),
  },
  'deliveries show': {
    argument: 'ID',
    text: 'the webhook, and what became of it',
    run: async (context) => shown(await context.call('GET', `/webhook-deliveries/${idOf(context)}`)),
  },
  'deliveries replay': {
    argument: 'ID',
    text: 'have the Payment Service look at the webhook again',
    options: [{ ...reasonOption(), isRequired: false }],
    async run(context) {
      const { reason } = context.flags;
      const path = `/webhook-deliveries/${idOf(context)}/replay`;
      return shown(await context.call('POST', path, reason === undefined ? undefined : { reason }));
    },
  },
};
