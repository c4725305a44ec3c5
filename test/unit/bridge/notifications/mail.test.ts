import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileNotifier } from '../../../../bridge/notifications/file';
import { mailOf } from '../../../../bridge/notifications/mail';
import { smtpNotifier } from '../../../../bridge/notifications/smtp';
import { mailServer, type MailServer } from '../../../support/mail-server';
import { notification, thrownBy } from './given-notification';

const from = 'Acme, Inc. <billing@example.org>';
let server: MailServer;
beforeEach(async () => {
  server = await mailServer();
});
afterEach(() => server.close());

async function sent(url = server.url, message = notification) {
  const notifier = smtpNotifier({ url, from, connections: 2 });
  try {
    return await notifier.send(message);
  } finally {
    notifier.close();
  }
}
const ntf = { ...notification, subject: 'Не удалось', to: { email: 'vera@example.com', name: 'Вера' } };

describe('a mail', () => {
  it('I3: goes to the ASCII form of a domain that was written in Unicode', async () => {
    const to = (email: string) => ({ ...notification, to: { email, name: null } });
    expect(mailOf(to('a&b@пример.рф'), 'Счета <billing@пример.рф>')).toMatchObject({
      from: { name: 'Счета', address: 'billing@xn--e1afmkfd.xn--p1ai' },
      to: { address: 'a&b@xn--e1afmkfd.xn--p1ai' },
      messageId: '<ntf_1@xn--e1afmkfd.xn--p1ai>',
    });
    const ascii = to('ada@xn--e1afmkfd.xn--p1ai');
    expect(mailOf(ascii, from)).toMatchObject({ to: { address: 'ada@xn--e1afmkfd.xn--p1ai' } });
    await sent(server.url, to('a&b@пример.рф'));
    expect(server.mails[0]?.text).toMatch(/^To: .*a&b@xn--e1afmkfd\.xn--p1ai/m);
  });

  it('goes from the sender to the one customer, by a name that is the same each time', async () => {
    expect(await sent()).toBe('<ntf_1@example.org>');
    expect(await sent()).toBe('<ntf_1@example.org>');
    const [one, other] = server.mails;
    expect(one).toMatchObject({ from: 'billing@example.org', to: ['ada@example.com'] });
    expect(one?.text).toContain('From: "Acme, Inc." <billing@example.org>\r\n');
    expect(one?.text).toMatch(/^To: .*<ada@example\.com>\r$/m);
    expect(one?.text).toContain('Message-ID: <ntf_1@example.org>\r\n');
    expect(one?.text).toContain('Date: Mon, 01 Mar 2027 12:00:00 +0000\r\n');
    expect(one?.text).toContain('Auto-Submitted: auto-generated\r\n');
    expect(one?.text).toMatch(/text\/plain; charset=utf-8[\s\S]*Hello Ada[\s\S]*text\/html[\s\S]*<p>Hello/);
    const bare = (mail = '') => mail.replace(/--_NmP-[^\s"]+|boundary="[^"]+"/g, '');
    expect(bare(one?.text)).toBe(bare(other?.text));
  });

  it.each([
    ['550 to the recipient', { recipient: 550 }, 'RefusedForGood', 'the mail server answered 550 to RCPT TO'],
    ['451 to the recipient', { recipient: 451 }, 'Deferred', 'the mail server answered 451 to RCPT TO'],
    ['554 to the message', { message: 554 }, 'RefusedForGood', 'the mail server answered 554 to DATA'],
    ['550 to the sender', { sender: 550 }, 'Error', 'the mail server cannot be used: 550 at MAIL'],
  ])('that is answered %s is told apart, without the address', async (_, answers, name, message) => {
    server.answers = answers;
    expect(await thrownBy(sent())).toEqual({ name, message });
  });

  it('waits for a server that is away', async () => {
    await server.close();
    expect(await thrownBy(sent())).toEqual({
      name: 'Error',
      message: 'the mail server cannot be used: ESOCKET at CONN',
    });
  });

  it('gives no password to a server that speaks no TLS', async () => {
    const url = server.url.replace('smtp://', 'smtp://user:p%40ss@');
    expect(await thrownBy(sent(url))).toMatchObject({ name: 'Error' });
    expect(server.mails).toEqual([]);
    expect(server.logins).toEqual([]);
  });

  it('to something that is no address is refused', async () => {
    const nowhere = {
      ...notification,
      to: { email: 'ada@example.com\r\nRCPT TO:<eve@example.com>', name: null },
    };
    expect(await thrownBy(sent(server.url, nowhere))).toMatchObject({ name: 'RefusedForGood' });
    expect(server.mails).toEqual([]);
  });

  it('as a file is the same mail, one file however often it is written', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'perennial-outbox-'));
    try {
      const notifier = fileNotifier({ dir: join(dir, 'new'), from });
      expect(await notifier.send(ntf)).toBe('payment_failed-ntf_1.eml');
      await notifier.send(ntf);
      expect(readdirSync(join(dir, 'new'))).toEqual(['payment_failed-ntf_1.eml']);
      const text = readFileSync(join(dir, 'new', 'payment_failed-ntf_1.eml'), 'utf8');
      expect(text).toContain('Message-ID: <ntf_1@example.org>');
      expect(text).toContain('<vera@example.com>');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
