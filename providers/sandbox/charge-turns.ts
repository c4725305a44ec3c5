/**
 * Routes of the sandbox provider that decide an open charge: its customer, its bank, or the shop that does not want it
 * any more.
 */
import type { Express, Request } from 'express';
import type { Charge } from './charge';
import type { ChargingDeps } from './charging';
import type { Control } from './control';
import { accepted, acceptedId, decision, jsonBody, Refusal } from './requests';

export function turnRoutes(app: Express, deps: ChargingDeps): void {
  const { ledger, control, now } = deps;

  app.post('/v1/charges/:id/cancel', async (req, res) => {
    res.json(await cancelled(deps, knownId(req)));
  });

  app.post('/v1/charges/:id/authenticate', async (req, res) => {
    const id = knownId(req);
    const { succeed } = accepted(decision, jsonBody(req));
    await misbehave(control);
    const charge = await ledger.authenticate(id, succeed, now());
    if (charge) return void res.json(charge);
    const other = await ledger.find(id, now());
    if (!other) throw noSuchCharge();
    throw new Refusal('charge_not_awaiting_customer', `The charge is ${other.status}.`);
  });

  app.post('/v1/charges/:id/settle', async (req, res) => {
    const id = knownId(req);
    const { succeed } = accepted(decision, jsonBody(req));
    const charge = await ledger.settle(id, succeed, now());
    if (charge) return void res.json(charge);
    const other = await ledger.find(id, now());
    if (!other) throw noSuchCharge();
    throw new Refusal('charge_not_pending', `The charge is ${other.status}.`);
  });
}

/** A charge that is cancelled already is answered as it is, so that asking again does no harm. */
async function cancelled({ ledger, control, now }: ChargingDeps, id: string): Promise<Charge> {
  await misbehave(control);
  const found = await ledger.find(id, now());
  if (!found) throw noSuchCharge();
  if (found.failure?.code === 'cancelled') return found;
  control.refuseCancel();
  const charge = await ledger.cancel(id, now());
  if (charge) return charge;
  const other = await ledger.find(id, now());
  throw new Refusal('charge_not_cancellable', `The charge is ${other?.status}.`);
}

/** Waits and fails as the control says. @throws Refusal */
export async function misbehave(control: Control): Promise<void> {
  control.maybeFail();
  await control.delay();
}

/** The charge that a path names. @throws Refusal `not_found` for what no id can be */
export function knownId(req: Request): string {
  return acceptedId(req.params['id'], 'charge');
}

export function noSuchCharge(): Refusal {
  return new Refusal('not_found', 'There is no such charge.');
}
