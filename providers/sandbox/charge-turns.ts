/**
 * Routes of the sandbox provider that decide an open charge: its customer, its bank, or the shop that does not want it
 * any more.
 */
import type { Express } from 'express';
import type { Charge } from './charge';
import type { ChargingDeps } from './charging';
import { accepted, acceptedId, decision, jsonBody, noSuch, Refusal, type RefusalCode } from './requests';

export function turnRoutes(app: Express, deps: ChargingDeps): void {
  const { ledger, control, now } = deps;

  app.post('/v1/charges/:id/cancel', async (req, res) => {
    res.json(await cancelled(deps, acceptedId(req.params.id, 'charge')));
  });

  app.post('/v1/charges/:id/authenticate', async (req, res) => {
    const id = acceptedId(req.params.id, 'charge');
    const { succeed } = accepted(decision, jsonBody(req));
    await control.misbehave();
    const charge = await ledger.authenticate(id, succeed, now());
    res.json(charge ?? (await refuse(deps, id, 'charge_not_awaiting_customer')));
  });

  app.post('/v1/charges/:id/settle', async (req, res) => {
    const id = acceptedId(req.params.id, 'charge');
    const { succeed } = accepted(decision, jsonBody(req));
    const charge = await ledger.settle(id, succeed, now());
    res.json(charge ?? (await refuse(deps, id, 'charge_not_pending')));
  });
}

/** A charge that is cancelled already is answered as it is, so that a repeat does no harm. */
async function cancelled(deps: ChargingDeps, id: string): Promise<Charge> {
  const { ledger, control, now } = deps;
  await control.misbehave();
  const found = await ledger.find(id, now());
  if (!found) throw noSuch('charge');
  if (found.failure?.code === 'cancelled') return found;
  control.refuseCancel();
  return (await ledger.cancel(id, now())) ?? refuse(deps, id, 'charge_not_cancellable');
}

/** Refuses to decide a charge that does not wait for this decision, by naming its status. @throws Refusal */
async function refuse({ ledger, now }: ChargingDeps, id: string, code: RefusalCode): Promise<never> {
  const charge = await ledger.find(id, now());
  throw charge ? new Refusal(code, `The charge is ${charge.status}.`) : noSuch('charge');
}
