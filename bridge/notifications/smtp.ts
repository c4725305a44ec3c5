/**
 * Notifications by a mail server.
 *
 * Owns: the connection, and what the server's refusals mean. Invariants: credentials go over TLS only; what is thrown
 * names the server's code and the step, never its words, which hold addresses.
 */
import { createTransport } from 'nodemailer';
import { mailOf } from './mail';
import { Deferred, RefusedForGood, Unreachable, type Notifier } from './port';

export interface SmtpSettings {
  /** `smtp://` (TLS where the server offers it, required with credentials) or `smtps://`. */
  url: string;
  /** `Perennial <billing@example.com>`, or the address alone. */
  from: string;
  /** Connections at once. */
  connections: number;
}

const connectWithinMs = 10_000;
const answerWithinMs = 20_000;
/** All of one sending; far below the lease of the sender. */
const sendWithinMs = 60_000;

export function smtpNotifier({ url, from, connections }: SmtpSettings): Notifier {
  const { protocol, hostname, port, username, password } = new URL(url);
  const isTls = protocol === 'smtps:';
  const transport = createTransport({
    pool: true,
    maxConnections: connections,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 465 : 587) : Number(port),
    secure: isTls,
    requireTLS: !isTls && username !== '',
    ...(username !== '' && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }),
    connectionTimeout: connectWithinMs,
    greetingTimeout: connectWithinMs,
    dnsTimeout: connectWithinMs,
    socketTimeout: answerWithinMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    channel: 'smtp',
    needsAddress: true,
    async send(message) {
      const mail = mailOf(message, from);
      try {
        await transport.sendMail({ ...mail, signal: AbortSignal.timeout(sendWithinMs) });
      } catch (error) {
        throw meaningOf(error);
      }
      return mail.messageId;
    },
    close: () => transport.close(),
  };
}

/** What nodemailer says about an error. */
interface MailError {
  code?: unknown;
  command?: unknown;
  responseCode?: unknown;
}

/** Only an answer about this recipient or this message is about the notification; the rest is about the server. */
function meaningOf(error: unknown): Error {
  const { code, command, responseCode } = error as MailError;
  const step = typeof command === 'string' ? command : 'CONN';
  if (step === 'API' && code === 'EENVELOPE') return new RefusedForGood('the address is not one for mail');
  if ((step === 'RCPT TO' || step === 'DATA') && typeof responseCode === 'number') {
    const words = `the mail server answered ${responseCode} to ${step}`;
    return responseCode >= 500 ? new RefusedForGood(words) : new Deferred(words);
  }
  const what = typeof responseCode === 'number' ? String(responseCode) : String(code);
  return new Unreachable(`the mail server cannot be used: ${what} at ${step.split(' ')[0]}`);
}
