/** Who appears to have acted when a record from outside names an actor. */
import { readTimeline } from '../../../billing/timeline/timeline';
import { wholeTimeline } from '../../support/whole-timeline';
import { listAudit } from '../../../access/audit-log';
import { useBilling } from '../../support/billing';
import { outsider } from '../../support/outside';
import { accepting, asked, writeCustomer, writeOwed } from '../../support/outside-requests';

const given = useBilling();

describe('R6: the operator whom a record names', () => {
  const titled = async (id: string) => {
    const { places, entryAt } = await readTimeline(
      given.db,
      { type: 'payment', id },
      wholeTimeline,
      null,
      100,
    );
    return places.map(entryAt).filter((entry) => entry?.actor?.kind === 'external');
  };
  const shown = (reason: string) => ({
    kind: 'external',
    id: outsider,
    reason,
    claimed: { kind: 'operator', id: 'op_anna' },
  });

  it('is in the timeline and in the audit log as claimed by the source, never as that operator', async () => {
    const wanted = await writeOwed(given.db);
    await accepting(given.db).retry(wanted);
    const entries = await titled(wanted.payment_id);
    expect(entries).toMatchObject([
      {
        kind: 'operator_action',
        title: 'Retry asked for by /meter: they called',
        actor: shown('they called'),
      },
      {
        kind: 'event',
        title: 'Record of /meter on payments.retry.requested accepted',
        actor: shown('they called'),
      },
    ]);
    const { items } = await listAudit(given.db, { subject: wanted.payment_id }, { after: null, limit: 10 });
    expect(items).toMatchObject([{ action: 'payments.retry.requested', actor: shown('they called') }]);
  });

  it('of a payment is in its audit row, once, whatever comes again', async () => {
    const { id } = await writeCustomer(given.db);
    for (let reading = 0; reading < 3; reading += 1) await accepting(given.db).payment(asked(id));
    expect(await titled(`pay_for_${id}`)).toMatchObject([{ actor: shown('usage of March') }]);
  });

  it.each(['api_key', 'system', 'external'] as const)('is no %s either', async (kind) => {
    const wanted = await writeOwed(given.db, { actor: { kind, id: 'key_1', reason: null } });
    await accepting(given.db).retry(wanted);
    const [entry] = await titled(wanted.payment_id);
    expect(entry?.actor).toEqual({ ...shown('they called'), claimed: { kind, id: 'key_1' } });
  });
});
