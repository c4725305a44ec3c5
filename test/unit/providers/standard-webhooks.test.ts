/** Our verification of Standard Webhooks against the standard's known answer and the official library. */
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { WebhookRequest, WebhookVerdict } from '../../../domain/payment/webhook';
import { verifyStandardWebhook } from '../../../providers/standard-webhooks';

/** The standard's own example. */
const known = {
  secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const at = new Date(Number(known.timestamp) * 1_000);
const toleranceMs = 5 * 60_000;
const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

const signed = (
  more: { id?: string; timestamp?: string; signature?: string; body?: string | Buffer } = {},
) => {
  const { id, timestamp, signature, body } = { ...known, ...more };
  return {
    body: Buffer.from(body as string),
    headers: { 'webhook-id': [id], 'webhook-timestamp': [timestamp], 'webhook-signature': [signature] },
    sourceAddress: null,
  };
};
const judge = (request: WebhookRequest, secrets: readonly string[] = [known.secret], now = at) =>
  verifyStandardWebhook(request, { secrets, now, toleranceMs });
const without = (name: string): WebhookRequest => {
  const request = signed();
  return { ...request, headers: { ...request.headers, [name]: undefined } };
};
const twice = (name: 'webhook-id' | 'webhook-timestamp' | 'webhook-signature'): WebhookRequest => {
  const request = signed();
  const [value = ''] = request.headers[name];
  return { ...request, headers: { ...request.headers, [name]: [value, value] } };
};

describe('the known answer of the standard', () => {
  test.each([known.secret, `whsec_${known.secret}`])('is verified with the secret %s', (secret) => {
    expect(judge(signed(), [secret])).toBe('verified');
  });

  test('is what the official library signs', () => {
    expect(new Webhook(known.secret).sign(known.id, at, known.body)).toBe(known.signature);
  });
});

const cases: [string, WebhookRequest, WebhookVerdict][] = [
  ['no signature', without('webhook-signature'), 'missing_signature'],
  ['no id', without('webhook-id'), 'missing_signature'],
  ['no timestamp', without('webhook-timestamp'), 'missing_signature'],
  ['an empty signature', signed({ signature: '' }), 'missing_signature'],
  ['the signature sent twice', twice('webhook-signature'), 'bad_signature'],
  ['the id sent twice', twice('webhook-id'), 'bad_signature'],
  ['the timestamp sent twice', twice('webhook-timestamp'), 'bad_signature'],
  ['another id', signed({ id: 'msg_other' }), 'bad_signature'],
  ['another time', signed({ timestamp: '1614265331' }), 'bad_signature'],
  ['a time in words', signed({ timestamp: 'now' }), 'bad_signature'],
  ['one byte altered', signed({ body: known.body.replace('2432', '2433') }), 'bad_signature'],
  ['one byte more', signed({ body: `${known.body} ` }), 'bad_signature'],
  [
    'another version of signature',
    signed({ signature: known.signature.replace('v1', 'v1a') }),
    'bad_signature',
  ],
  ['a version alone', signed({ signature: 'v1' }), 'bad_signature'],
  ['half a signature', signed({ signature: known.signature.slice(0, 20) }), 'bad_signature'],
  [
    'a signature that is right beside one that is not',
    signed({ signature: `v1,AAAA ${known.signature}` }),
    'verified',
  ],
];
test.each(cases)('%s: judged', (_, request, verdict) => {
  expect(judge(request)).toBe(verdict);
});

describe('the webhook’s own time', () => {
  test.each([
    [300, 'verified'],
    [-300, 'verified'],
    [301, 'stale_timestamp'],
    [-301, 'stale_timestamp'],
  ])('%i s from now: %s', (seconds, verdict) => {
    expect(judge(signed(), [known.secret], new Date(at.getTime() + seconds * 1_000))).toBe(verdict);
  });
});

describe('secrets', () => {
  test('in rotation are all accepted, the newest first or last', () => {
    expect(judge(signed(), [other, known.secret])).toBe('verified');
    expect(judge(signed(), [known.secret, other])).toBe('verified');
  });

  test('that are not in use are not', () => {
    expect(judge(signed(), [other])).toBe('bad_signature');
    expect(judge(signed(), [])).toBe('bad_signature');
  });
});

test('the raw bytes are verified: an invalid UTF-8 byte is not what stands for it in text', () => {
  const text = '{"name":"\ufffd"}';
  const signature = new Webhook(known.secret).sign(known.id, at, text);
  const raw = Buffer.from(text).toString('latin1').replace('\u00ef\u00bf\u00bd', '\u00ff');
  expect(judge(signed({ body: text, signature }))).toBe('verified');
  expect(judge(signed({ body: Buffer.from(raw, 'latin1'), signature }))).toBe('bad_signature');
});

/** A stream of numbers that is the same in every run. */
function seeded(seed: string): (below: number) => number {
  let counter = 0;
  return (below) => {
    counter += 1;
    return createHmac('sha256', seed).update(String(counter)).digest().readUInt32BE(0) % below;
  };
}

describe('10,000 altered webhooks', () => {
  beforeAll(
    () => void jest.useFakeTimers({ now: at, doNotFake: ['performance', 'setTimeout', 'setImmediate'] }),
  );
  afterAll(() => void jest.useRealTimers());

  test('are judged as the official library judges them', () => {
    const pick = seeded('altered webhooks');
    const library = new Webhook(known.secret);
    const verdicts = { accepted: 0, refused: 0 };
    const disagreements: string[] = [];
    for (let round = 0; round < 10_000; round += 1) {
      const webhook = altered(library, pick);
      const headers = {
        'webhook-id': webhook.id,
        'webhook-timestamp': webhook.timestamp,
        'webhook-signature': webhook.signature,
      };
      const theirs = accepts(() => library.verify(webhook.body, headers, { jsonParse: false }));
      const ours = judge(signed(webhook)) === 'verified';
      verdicts[theirs ? 'accepted' : 'refused'] += 1;
      // The library reads a number out of "1614265330x"; we take a time only as it is written.
      const isLenient = !/^[1-9]\d*$/.test(webhook.timestamp);
      if (isLenient ? ours : ours !== theirs) disagreements.push(JSON.stringify(webhook));
    }
    expect(disagreements).toEqual([]);
    expect(verdicts.accepted).toBeGreaterThan(2_000);
    expect(verdicts.refused).toBeGreaterThan(5_000);
  });
});

function accepts(verify: () => unknown): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}

/** A webhook that was signed properly, and then, in three cases of four, tampered with in one of its parts. */
function altered(library: Webhook, pick: (below: number) => number) {
  const seconds = Number(known.timestamp) - 320 + pick(641);
  const id = `msg_${pick(1_000)}`;
  const body = JSON.stringify({ n: pick(1_000), text: 'é'.repeat(pick(5)), pad: 'x'.repeat(pick(200)) });
  const time = new Date(seconds * 1_000);
  const good = library.sign(id, time, body);
  const more =
    [good, `${new Webhook(other).sign(id, time, body)} ${good}`, `v2,AAAA ${good} v1`][pick(3)] ?? good;
  const webhook = { id, timestamp: String(seconds), body, signature: more };
  const parts = ['id', 'timestamp', 'body', 'signature'] as const;
  const part = parts[pick(4)] ?? 'id';
  if (pick(4) > 0) webhook[part] = mutated(webhook[part], pick);
  return webhook;
}

/** One character replaced, removed or put in; never one that HTTP would not carry. */
function mutated(text: string, pick: (below: number) => number): string {
  const place = pick(text.length + 1);
  const character = String.fromCharCode(33 + pick(94));
  const removed = pick(3);
  return (
    text.slice(0, place) + (removed === 2 ? '' : character) + text.slice(place + (removed === 0 ? 0 : 1))
  );
}
