/**
 * The suites that share one system: API, worker, bridge and provider, each a process. Those that stop or kill a part
 * start it again before their test ends.
 *
 * Order: what lets parts die comes after what does not, and outages in which a worker may end come last.
 */
import { closeSystem, openSystem } from './one-system/system';

jest.setTimeout(300_000);
beforeAll(openSystem);
afterAll(closeSystem);

// A suite's hooks and tests belong to the `describe` in which its module is loaded.
describe('failed renewals', () => void require('./one-system/dunning'));
describe('cards and commands', () => void require('./one-system/cards'));
describe('test clocks', () => void require('./one-system/test-clock'));
describe('notifications', () => void require('./one-system/notifications'));
describe('trace contexts', () => void require('./one-system/trace'));
describe('erasures', () => void require('./one-system/erasure'));
describe('webhooks', () => void require('./one-system/webhooks'));
describe('orders', () => void require('./one-system/once'));
describe('renewals', () => void require('./one-system/renewal'));
