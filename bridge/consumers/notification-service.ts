/** Group notification-service: sends customers what was requested on notifications.requested. */
import type { ExternalRules } from '../../billing/external-records';
import type { Handlers } from '../consumer/consumer';
import { Slots } from '../consumer/slots';
import { deliver, type DeliveryDependencies } from '../notifications/delivery';
import { readRequest } from '../notifications/read-request';
import { templates as contractTemplates, type Templates } from '../notifications/templates';

export interface NotificationServiceDependencies extends DeliveryDependencies {
  /** Notifications that are sent at once. */
  parallel: number;
  /** What other services may ask for. */
  external: ExternalRules;
  /** Those of the contract by default. */
  templates?: Templates;
}

export function notificationServiceHandlers(deps: NotificationServiceDependencies): Handlers {
  const slots = new Slots(deps.parallel);
  const { db, external, templates = contractTemplates } = deps;
  return {
    async 'notifications.requested'(event) {
      const read = await readRequest(db, templates, external, event);
      await slots.run(() => deliver(deps, event, read));
    },
  };
}
