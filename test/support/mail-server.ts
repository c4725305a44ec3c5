/** A mail server on a free port that keeps what it gets, and answers as a test wants. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  from: string;
  to: string[];
  /** Headers and body as they came. */
  text: string;
}

export interface MailServer {
  url: string;
  mails: ReceivedMail[];
  /** User names that somebody offered with a password. */
  logins: string[];
  /** Codes with which it refuses from now on. */
  answers: { sender?: number; recipient?: number; message?: number };
  close(): Promise<void>;
}

const refusal = (responseCode: number, address = '') =>
  Object.assign(new Error(`<${address}> is not wanted here`), { responseCode });

export async function mailServer(port = 0): Promise<MailServer> {
  const its: MailServer = { url: '', mails: [], logins: [], answers: {}, close: () => Promise.resolve() };
  const server = new SMTPServer({
    authOptional: true,
    // It speaks no TLS, and takes passwords all the same: a careful client gives it none.
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    logger: false,
    onAuth({ username = '' }, _, done) {
      its.logins.push(username);
      done(null, { user: username });
    },
    onMailFrom({ address }, _, done) {
      done(its.answers.sender === undefined ? null : refusal(its.answers.sender, address));
    },
    onRcptTo({ address }, _, done) {
      done(its.answers.recipient === undefined ? null : refusal(its.answers.recipient, address));
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (its.answers.message !== undefined) return done(refusal(its.answers.message));
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        its.mails.push({ from, to, text: Buffer.concat(chunks).toString('utf8') });
        return done();
      });
    },
  });
  // A client that hangs up is the test's doing.
  server.on('error', () => undefined);
  const listening = server.listen(port, '127.0.0.1');
  await once(listening, 'listening');
  its.url = `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  let closed: Promise<void> | undefined;
  its.close = () => (closed ??= new Promise((resolve) => server.close(() => resolve())));
  return its;
}
