/** Notifications as operators see them: which were sent, skipped or failed. Sending them is the bridge's. */
import { notification, type Notification } from '../../contracts/http/notifications';
import type { Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { customersTimesAt } from '../clock';
import { instantOrNull } from '../rows';

export interface NotificationFilter {
  customer_id?: string | undefined;
  subscription_id?: string | undefined;
  status?: string | undefined;
}

/** Lists notifications, newest first. */
export async function listNotifications(
  db: Database,
  { customer_id, subscription_id, status }: NotificationFilter,
  page: PageRequest,
): Promise<Page<Notification>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.notification.findMany({
    where: { customer_id, subscription_id, status, ...after },
    ...order,
  });
  const asked = rows.map(({ customer_id, requested_at: recordedAt }) => ({ customer_id, recordedAt }));
  const instants = await customersTimesAt(db, asked);
  const instantOf = new Map(rows.map(({ id }, place) => [id, instants[place]]));
  return pageOf(rows, page.limit, (row) =>
    notification.parse({
      ...row,
      at: instantOf.get(row.id)?.toISOString(),
      requested_at: row.requested_at.toISOString(),
      sent_at: instantOrNull(row.sent_at),
    }),
  );
}
