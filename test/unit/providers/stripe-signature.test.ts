/** Whose a webhook is: Stripe’s signature, judged by Stripe’s library and by an independent reading of its rules. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import StripeLibrary from 'stripe';
import type { WebhookRequest } from '../../../domain/payment/webhook';
import { verifyStripeSignature } from '../../../providers/stripe/signature';
import { event, headerFor, now, nowSeconds, objects, requestWith, secret } from './stripe-events';

const toleranceMs = 300_000;
const trust = { secrets: [secret], now, toleranceMs };
const body = JSON.stringify(event('payment_intent.succeeded', objects.taken));
const verdict = (request: WebhookRequest, more: Partial<typeof trust> = {}) =>
  verifyStripeSignature(request, { ...trust, ...more });

test('a known answer', () => {
  const payload = '{"id": "evt_test_webhook","object": "event"}';
  const header = 't=1803891600,v1=3e8f16d6e9864e1df8e406c2aca68f418ac6b18502afea470e0caaf264f22031';

  expect(headerFor(payload)).toBe(header);
  expect(verdict(requestWith(payload, header))).toBe('verified');
});

describe('the test vectors of Stripe’s own library', () => {
  test.each([
    ['', 'f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd'],
    ['{"obj1":"hello","obj2":"world"}', 'bebb1a643997f419b315ddba19e6f5411e1ce7f810ba6d3617ce72823092f363'],
    ['\u{1F600}', '837da296d05c4fe31f61d5d7ead035099d9585a5bcde87de952012a78f0b0c43'],
  ])('the digest of %j', (payload, digest) => {
    const provider = StripeLibrary.createNodeCryptoProvider();
    expect(provider.computeHMACSignature(payload, 'test_secret')).toBe(digest);
  });

  const payload = '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}';
  const theirs = 'whsec_test_secret';
  const made = (more: { timestamp?: number; scheme?: string; signature?: string } = {}) =>
    StripeLibrary.webhooks.generateTestHeaderString({
      payload,
      secret: theirs,
      timestamp: nowSeconds,
      ...more,
    });
  test.each([
    ['a signature as it should be', made(), theirs, 'verified'],
    ['one that is right among others', `${made()},v1=potato`, theirs, 'verified'],
    ['9 seconds of age', made({ timestamp: nowSeconds - 9 }), theirs, 'verified'],
    ['15 seconds of age', made({ timestamp: nowSeconds - 15 }), theirs, 'stale_timestamp'],
    ['another scheme alone', made({ scheme: 'v0' }), theirs, 'bad_signature'],
    ['a signature that is none', made({ signature: 'bad_signature' }), theirs, 'bad_signature'],
    ['a header that is none', "I'm not even a real signature header", theirs, 'bad_signature'],
    ['a bad header', 'bad_header', theirs, 'bad_signature'],
    ['an empty header', '', theirs, 'missing_signature'],
    ['a secret with a space', made(), `${theirs} `, 'bad_signature'],
  ])('%s, where 10 seconds are tolerated', (_what, header, withSecret, expected) => {
    expect(verdict(requestWith(payload, header), { secrets: [withSecret], toleranceMs: 10_000 })).toBe(
      expected,
    );
  });
});

test('several signatures, other schemes and either secret are accepted while secrets rotate', () => {
  const byOld = headerFor(body, nowSeconds, 'whsec_old');
  const v1 = (header: string) => header.split(',')[1];
  const both = `t=${nowSeconds},${v1(byOld)},${v1(headerFor(body))},v0=${'a'.repeat(64)}`;

  expect(verdict(requestWith(body, both))).toBe('verified');
  expect(verdict(requestWith(body, byOld))).toBe('bad_signature');
  expect(verdict(requestWith(body, byOld), { secrets: ['whsec_new', 'whsec_old'] })).toBe('verified');
  expect(verdict(requestWith(body, headerFor(body)), { secrets: [] })).toBe('bad_signature');
  expect(verdict(requestWith(body, headerFor(body, nowSeconds, ' ')), { secrets: [' '] })).toBe(
    'bad_signature',
  );
});

test.each([
  [0, 'verified'],
  [-300, 'verified'],
  [-301, 'stale_timestamp'],
  [300, 'verified'],
  [301, 'stale_timestamp'],
])('signed %i seconds from now: %s', (seconds, expected) => {
  expect(verdict(requestWith(body, headerFor(body, nowSeconds + seconds)))).toBe(expected);
});

test('no signature at all', () => {
  expect(verdict(requestWith(body))).toBe('missing_signature');
  expect(verdict(requestWith(body, ''))).toBe('missing_signature');
});

test('a signature of other bytes, though the library reads the same text in them', () => {
  const header = headerFor(body);
  const withMark = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(body)]);
  expect(StripeLibrary.webhooks.signature?.verifyHeader(withMark, header, secret, 0)).toBe(true);
  expect(verdict(requestWith(withMark, header))).toBe('bad_signature');

  const replaced = '{"name":"\uFFFD"}';
  const broken = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(StripeLibrary.webhooks.signature?.verifyHeader(broken, headerFor(replaced), secret, 0)).toBe(true);
  expect(verdict(requestWith(broken, headerFor(replaced)))).toBe('bad_signature');
  expect(verdict(requestWith(replaced, headerFor(replaced)))).toBe('verified');
});

const [, signature = ''] = headerFor(body).split(',');
test.each<[string, string[]]>([
  ['another secret', [headerFor(body, nowSeconds, 'whsec_other')]],
  ['another body', [headerFor(`${body} `)]],
  ['the header twice', [headerFor(body), headerFor(body)]],
  ['no timestamp', [signature]],
  ['two timestamps', [`t=1,${headerFor(body)}`]],
  ['a timestamp with a zero before it', [`t=0${nowSeconds},${signature}`]],
  ['a timestamp that goes on', [`t=${nowSeconds}x,${signature}`]],
  ['no signature of the scheme', [headerFor(body).replace('v1=', 'v0=')]],
  ['an empty signature', [`t=${nowSeconds},v1=`]],
  ['letters beyond ASCII', [`t=${nowSeconds},v1=${'é'.repeat(64)}`]],
  ['a signature in capitals', [`t=${nowSeconds},v1=${signature.slice(3).toUpperCase()}`]],
  ['too many signatures', [`t=${nowSeconds},${Array.from({ length: 21 }, () => signature).join(',')}`]],
  ['something else', ['Bearer abc']],
])('%s is refused', (_what, headers) => {
  expect(verdict(requestWith(body, ...headers))).toBe('bad_signature');
});

/** Stripe’s documented rules, over the bytes, without the library. */
function byTheRules(bytes: Buffer, header: string): boolean {
  const parts = header.split(',').map((part) => part.trim());
  const [timestamp, ...more] = parts.filter((part) => part.startsWith('t=')).map((part) => part.slice(2));
  if (timestamp === undefined || more.length > 0 || !/^[1-9]\d{0,11}$/.test(timestamp)) return false;
  if (Math.abs(nowSeconds - Number(timestamp)) > 300) return false;
  const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(bytes).digest('hex');
  return bytes.length > 0 && parts.some((part) => part === `v1=${expected}`);
}

function byTheLibrary(bytes: Buffer, header: string): boolean {
  try {
    const { signature: verifier } = StripeLibrary.webhooks;
    return verifier?.verifyHeader(bytes, header, secret, 300, undefined, now.getTime()) === true;
  } catch {
    return false;
  }
}

/** Some bytes changed, inserted or left out. */
const mutated = (original: Buffer) =>
  fc
    .array(
      fc.record({
        at: fc.nat(original.length),
        remove: fc.nat(3),
        insert: fc.oneof(
          fc.constant(''),
          fc.constantFrom(' ', ',', '=', 't=', 'v1=', '\uFFFD', '\uFEFF', '0', 'é', 'A'),
        ),
        flip: fc.nat(255),
      }),
      { maxLength: 3 },
    )
    .map((changes) =>
      changes.reduce((bytes, { at, remove, insert, flip }) => {
        const next = Buffer.concat([bytes.subarray(0, at), Buffer.from(insert), bytes.subarray(at + remove)]);
        if (remove === 0 && insert === '' && at < next.length) next[at] = (next[at] ?? 0) ^ flip;
        return next;
      }, original),
    );

test('10,000 mutated webhooks: nothing passes that the rules or the library refuse', () => {
  const header = Buffer.from(`${headerFor(body)},v0=${'0'.repeat(64)}`);
  let verified = 0;
  let refused = 0;
  fc.assert(
    fc.property(mutated(Buffer.from(body)), mutated(header), (bytes, headerBytes) => {
      // As Node hands headers over.
      const text = headerBytes.toString('latin1');
      const ours = verdict({ ...requestWith(bytes, text), body: bytes }) === 'verified';
      if (ours) verified += 1;
      else refused += 1;
      expect(ours).toBe(byTheRules(bytes, text));
      // The library is more lenient, never stricter.
      expect(ours && !byTheLibrary(bytes, text)).toBe(false);
    }),
    { numRuns: 10_000, seed: 20_270_301 },
  );
  // Both verdicts were tried often enough to mean something.
  expect(Math.min(verified, refused)).toBeGreaterThan(500);
});
