/**
 * Every setting of every process, read from the environment once, at start.
 *
 * Owns: names, types, units, defaults and the one line of text of each variable; `docs/configuration.md` is
 * generated from this table. Does not own what a setting does. Invariant: a process never starts with a value
 * that is malformed, nor with a misspelt name that it would silently ignore; all mistakes are told at once.
 */
import { isIP } from 'node:net';
import { z } from 'zod';

export type SettingGroup =
  'Addresses' | 'Secrets' | 'Kafka' | 'Temporal' | 'Notifications' | 'Behaviour' | 'Platform';

export interface Setting<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  readonly group: SettingGroup;
  readonly text: string;
  /** Shown in the documentation; a default that follows from another variable cannot be a literal. */
  readonly shownDefault: string;
  /** The value must not appear in logs or error messages. */
  readonly secret: boolean;
}

function setting<S extends z.ZodType>(
  group: SettingGroup,
  schema: S,
  shownDefault: string | number | boolean,
  text: string,
  secret = false,
): Setting<S> {
  return { schema, group, text, shownDefault: String(shownDefault), secret };
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
const port = (byDefault: number) =>
  wholeNumber(1, 65535).default(byDefault).describe('a TCP port, 1 to 65535');
const switchedOn = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
/** Null for what is no URL. What the URL parser would drop, line breaks and spaces around it, makes it none. */
function parsedUrl(text: string): URL | null {
  if (/[\s\p{C}]/u.test(text)) return null;
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => protocols.includes(parsedUrl(text)?.protocol.replace(/:$/, '') ?? ''),
      `must be a URL that begins with ${protocols.map((p) => `${p}://`).join(' or ')}`,
    );
/** Of a service over HTTP; a password in it would be in errors and logs, and no client would send it. */
const webUrl = url('http', 'https').refine((text) => {
  const { username = '', password = '' } = parsedUrl(text) ?? {};
  return username === '' && password === '';
}, 'must not hold a user or a password');
/** What stands in a header, as RFC 6750 has tokens. */
const token = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces and line breaks');
const brokers = z
  .string()
  .regex(/^[^,\s:]+:\d{1,5}(,[^,\s:]+:\d{1,5})*$/, 'must be host:port, several separated by commas')
  .transform((text) => text.split(','));
const hostAndPort = z.string().regex(/^[^\s:]+:\d{1,5}$/, 'must be host:port');

const webhookSecrets = z
  .string()
  .transform((text) => text.split(',').map((secret) => secret.trim()))
  .refine(
    (secrets) => secrets.every(isWebhookSecret),
    'must be whsec_ and 24 to 64 bytes in base64, several separated by commas',
  );

function isWebhookSecret(secret: string): boolean {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1] ?? '';
  const bytes = Buffer.from(base64, 'base64').length;
  return base64.length % 4 === 0 && bytes >= 24 && bytes <= 64;
}

/** `billing@example.com` or `Name <billing@example.com>`. */
const mailSender = /^(?:[^\s<>@]+@[^\s<>@]+|[^<>"@\p{Cc}]{1,100} <[^\s<>@]+@[^\s<>@]+>)$/u;

const stripeWebhookSecrets = z
  .string()
  .transform((text) => text.split(',').map((secret) => secret.trim()))
  .refine(
    (secrets) => secrets.every((secret) => /^whsec_[A-Za-z0-9+/=_-]{16,}$/.test(secret)),
    'must be the endpoint’s signing secret, which begins with whsec_; several separated by commas',
  );

/** Never "every caller": then the caller could write the address that it is judged by. */
const trustedProxies = z
  .string()
  .transform((text) => (/^[1-9]$/.test(text) ? Number(text) : text.split(',').map((part) => part.trim())))
  .refine(
    (trusted) => typeof trusted === 'number' || trusted.every(isAddressRange),
    'must be the number of proxies, 1 to 9, or their addresses and CIDR ranges, separated by commas',
  );

function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** URI references, as CloudEvents has them: printable ASCII. */
const eventSources = z
  .string()
  .transform((text) => text.split(',').map((source) => source.trim()))
  .refine(
    (sources) => sources.every((source) => /^[\x21-\x7e]{1,200}$/.test(source)),
    'must be sources of CloudEvents such as /crm, several separated by commas',
  );

/** The table. A variable that is not here does not exist. */
export const settings = {
  DATABASE_URL: setting(
    'Addresses',
    url('postgresql', 'postgres').optional(),
    'the platform’s server on `POSTGRES_PORT`, database `perennial`',
    'PostgreSQL of Perennial. When set, `make up` and `make demo` use that server instead of starting one.',
    true,
  ),
  KAFKA_BROKERS: setting(
    'Addresses',
    brokers.optional(),
    'the platform’s broker on `KAFKA_PORT`',
    'Kafka bootstrap brokers, host:port, comma-separated.',
  ),
  TEMPORAL_ADDRESS: setting(
    'Addresses',
    hostAndPort.optional(),
    'the platform’s server on `TEMPORAL_PORT`',
    'Temporal frontend, host:port.',
  ),
  TEMPORAL_UI_URL: setting(
    'Addresses',
    webUrl.optional(),
    'the platform’s Web UI on `TEMPORAL_UI_PORT`',
    'Temporal Web UI, for links that people follow.',
  ),
  SANDBOX_PROVIDER_URL: setting(
    'Addresses',
    webUrl.optional(),
    'this machine, `SANDBOX_PORT`',
    'The sandbox payment provider. When set, `bin/all` does not start one of its own.',
  ),
  SANDBOX_DATABASE_URL: setting(
    'Addresses',
    url('postgresql', 'postgres').optional(),
    'the platform’s server, database `perennial_sandbox`',
    'PostgreSQL of the sandbox provider; a database of its own, never Perennial’s.',
    true,
  ),
  STRIPE_API_URL: setting(
    'Addresses',
    webUrl.default('https://api.stripe.com'),
    'https://api.stripe.com',
    'Stripe’s API; another address is for tests.',
  ),
  STRIPE_RETURN_URL: setting(
    'Addresses',
    webUrl.optional(),
    'none',
    'Your page that Stripe sends customers to after their bank has asked them something. Without it only payment methods that need no redirect are accepted.',
  ),
  API_URL: setting(
    'Addresses',
    webUrl.refine((text) => !/[?#]/.test(text), 'must have neither a query nor a fragment').optional(),
    'this machine, `API_PORT`',
    'Where `bin/cli` finds the REST API.',
  ),
  API_HOST: setting(
    'Addresses',
    z.string().min(1).default('127.0.0.1'),
    '127.0.0.1',
    'Address that the API, the sandbox provider, and metrics and health of each process listen on; 0.0.0.0 in a container.',
  ),
  API_PORT: setting('Addresses', port(8080), 8080, 'Port of the REST API.'),
  METRICS_PORT: setting(
    'Addresses',
    wholeNumber(0, 65535).default(9464),
    9464,
    'Port of `/metrics`, and of `/healthz` and `/readyz` of workers and bridge; 0 serves none.',
  ),
  SANDBOX_PORT: setting('Addresses', port(8090), 8090, 'Port of the sandbox provider.'),
  SANDBOX_WEBHOOK_URL: setting(
    'Addresses',
    webUrl.optional(),
    'this machine, `API_PORT`, `/webhooks/sandbox`',
    'Where the sandbox provider sends its webhooks.',
  ),
  TRUST_PROXY: setting(
    'Addresses',
    trustedProxies.optional(),
    'none',
    'Whose `X-Forwarded-For` is believed: the number of proxies before the API, or their addresses and CIDR ranges, comma-separated.',
  ),

  BOOTSTRAP_API_KEY: setting(
    'Secrets',
    z
      .string()
      .min(32, 'must be 32 characters or more')
      .max(200, 'must be at most 200 characters')
      .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
      .optional(),
    'none',
    'When set, an API key with every scope and this secret exists after `bin/migrate`.',
    true,
  ),
  API_KEY: setting(
    'Secrets',
    token.max(200, 'must be at most 200 characters').optional(),
    '`BOOTSTRAP_API_KEY`',
    'The API key that `bin/cli` uses.',
    true,
  ),
  STRIPE_SECRET_KEY: setting(
    'Secrets',
    token.optional(),
    'none',
    'Stripe’s secret or restricted API key. The provider `stripe` exists when it is set.',
    true,
  ),
  STRIPE_WEBHOOK_SECRETS: setting(
    'Secrets',
    stripeWebhookSecrets.optional(),
    'none',
    'Signing secrets of the webhook endpoint at Stripe, newest first, comma-separated. `POST /webhooks/stripe` exists when it is set.',
    true,
  ),
  SANDBOX_WEBHOOK_SECRETS: setting(
    'Secrets',
    webhookSecrets.optional(),
    'none; `make up` makes one',
    'Secrets of the sandbox provider’s webhooks (`whsec_…`), newest first, comma-separated. It signs with all, the API accepts each; without any there are no webhooks.',
    true,
  ),
  KAFKA_USERNAME: setting('Secrets', z.string().min(1).optional(), 'none', 'SASL user.'),
  KAFKA_PASSWORD: setting('Secrets', z.string().min(1).optional(), 'none', 'SASL password.', true),
  TEMPORAL_API_KEY: setting('Secrets', token.optional(), 'none', 'API key for Temporal Cloud.', true),

  KAFKA_SSL: setting(
    'Kafka',
    switchedOn.default(false),
    false,
    'Speak TLS to the brokers; certificates are verified.',
  ),
  KAFKA_CA_FILE: setting(
    'Kafka',
    z.string().min(1).optional(),
    'the authorities that Node.js knows',
    'PEM file with the authorities that the brokers’ certificates are verified against; needs `KAFKA_SSL`.',
  ),
  KAFKA_CERT_FILE: setting(
    'Kafka',
    z.string().min(1).optional(),
    'none',
    'PEM file with the client’s certificate (mutual TLS); needs `KAFKA_SSL`.',
  ),
  KAFKA_KEY_FILE: setting('Kafka', z.string().min(1).optional(), 'none', 'PEM file with the client’s key.'),
  KAFKA_SASL_MECHANISM: setting(
    'Kafka',
    z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'], 'must be plain, scram-sha-256 or scram-sha-512')
      .optional(),
    'none',
    'SASL mechanism; needs `KAFKA_USERNAME` and `KAFKA_PASSWORD`.',
  ),
  KAFKA_PARTITIONS: setting(
    'Kafka',
    wholeNumber(1, 1000).default(12),
    12,
    'Partitions of each topic when it is created.',
  ),
  KAFKA_REPLICATION_FACTOR: setting(
    'Kafka',
    wholeNumber(-1, 9)
      .refine((n) => n !== 0, 'must be 1 or more, or -1')
      .default(-1),
    -1,
    'Replicas of each topic when it is created; -1 takes the broker’s default.',
  ),
  KAFKA_MIN_INSYNC_REPLICAS: setting(
    'Kafka',
    wholeNumber(1, 9).optional(),
    'the broker’s',
    '`min.insync.replicas` of each topic when it is created.',
  ),
  KAFKA_RETENTION_MS: setting(
    'Kafka',
    wholeNumber(604_800_000, Number.MAX_SAFE_INTEGER).default(604_800_000),
    604_800_000,
    'How long topics keep records, milliseconds; never less than 7 days.',
  ),

  TEMPORAL_NAMESPACE: setting(
    'Temporal',
    z.string().min(1).max(200).default('default'),
    'default',
    'Namespace; `bin/migrate` creates it when it is missing.',
  ),
  TEMPORAL_TLS: setting(
    'Temporal',
    switchedOn.default(false),
    false,
    'Speak TLS to Temporal, verified against the system’s authorities.',
  ),
  TEMPORAL_TLS_CERT_FILE: setting(
    'Temporal',
    z.string().min(1).optional(),
    'none',
    'PEM file with the client’s certificate (mutual TLS).',
  ),
  TEMPORAL_TLS_KEY_FILE: setting(
    'Temporal',
    z.string().min(1).optional(),
    'none',
    'PEM file with the client’s key.',
  ),
  WORKER_CACHED_WORKFLOWS: setting(
    'Temporal',
    wholeNumber(1, 100_000).default(600),
    600,
    'Workflows that a worker keeps in memory; about 600 for each GB.',
  ),

  NOTIFY_TRANSPORT: setting(
    'Notifications',
    z.enum(['none', 'file', 'smtp', 'webhook'], 'must be none, file, smtp or webhook').default('none'),
    'none; `make up` sets file',
    'How customers are told of failed payments: by mail (`smtp`), through a `webhook` of yours, as files for development, or not at all. Of the settings below the bridge needs those of its transport.',
  ),
  NOTIFY_LANGUAGE: setting(
    'Notifications',
    z.enum(['en', 'ru'], 'must be en or ru').default('en'),
    'en',
    'Language of customers whose metadata has no `language` that is `en` or `ru`.',
  ),
  SMTP_URL: setting(
    'Notifications',
    url('smtp', 'smtps').optional(),
    'none',
    'Mail server, with user and password where it wants them: `smtps://` speaks TLS from the start (port 465), `smtp://` where the server offers it (port 587), and always before a password.',
    true,
  ),
  MAIL_FROM: setting(
    'Notifications',
    z
      .string()
      .regex(mailSender, 'must be an address, or a name and an address: Perennial <billing@example.com>')
      .optional(),
    'none',
    'Sender of the mails; files have one of their own when it is not set.',
  ),
  NOTIFY_WEBHOOK_URL: setting(
    'Notifications',
    webUrl.optional(),
    'none',
    'Where each notification is posted to, signed by Standard Webhooks.',
    true,
  ),
  NOTIFY_WEBHOOK_SECRETS: setting(
    'Notifications',
    webhookSecrets.optional(),
    'none',
    'Secrets of that webhook (`whsec_…`), newest first, comma-separated; it is signed with all.',
    true,
  ),
  NOTIFY_OUTBOX_DIR: setting(
    'Notifications',
    z.string().min(1).optional(),
    'none; `make up` sets a folder of the platform',
    'Folder of the transport `file`: one mail each.',
  ),

  NODE_ENV: setting(
    'Behaviour',
    z.string().optional(),
    'none; the image sets production',
    '`production` refuses the sandbox provider and test clocks, unless the two settings below allow them.',
  ),
  ALLOW_SANDBOX: setting(
    'Behaviour',
    switchedOn.optional(),
    'false where `NODE_ENV` is `production`, else true',
    'Whether the sandbox provider exists: it charges no customer and reports that it did. The same for API and workers.',
  ),
  ALLOW_TEST_CLOCKS: setting(
    'Behaviour',
    switchedOn.optional(),
    'false where `NODE_ENV` is `production`, else true',
    'Whether test clocks can be made and advanced. The same for API and workers. A live provider charges no customer on a test clock, whatever this says.',
  ),
  LOG_LEVEL: setting(
    'Behaviour',
    z
      .enum(
        ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        'must be trace, debug, info, warn, error, fatal or silent',
      )
      .default('info'),
    'info',
    'Least severe level that is logged.',
  ),
  DATABASE_POOL_SIZE: setting(
    'Behaviour',
    wholeNumber(2, 200).default(10),
    10,
    'PostgreSQL connections of one process.',
  ),
  INCOMPLETE_HOURS: setting(
    'Behaviour',
    wholeNumber(1, 24 * 7).default(23),
    23,
    'Hours that a first payment may stay open before its subscription expires.',
  ),
  LOOKUP_AFTER_SECONDS: setting(
    'Behaviour',
    wholeNumber(1, 299).default(60),
    60,
    'How long after the outcome of a charge became unknown the provider is first asked about it, seconds; later lookups follow after 5 and 15 minutes, 1, 6 and 24 hours, then each day.',
  ),
  EXTERNAL_SOURCES: setting(
    'Behaviour',
    eventSources.default([]),
    'none',
    'CloudEvents sources of other services whose records on `payments.requested`, `payments.retry.requested` and `notifications.requested` are accepted, comma-separated; all others become dead letters. A record does not prove its source: let Kafka’s ACLs keep producers apart.',
  ),
  EXTERNAL_PAYMENT_MAX: setting(
    'Behaviour',
    wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1_000_000),
    1_000_000,
    'Largest payment that other services may ask for on `payments.requested`, minor units; larger ones become dead letters.',
  ),
  EXTERNAL_PAYMENTS_PER_CUSTOMER_PER_DAY: setting(
    'Behaviour',
    wholeNumber(0, 1_000_000).default(10),
    10,
    'Most payments and retries of one customer that other services may ask for in a UTC day, all of them together; further ones become dead letters.',
  ),
  API_REQUESTS_PER_SECOND: setting(
    'Behaviour',
    wholeNumber(0, 1_000_000).default(50),
    50,
    'Requests of one API key that a process of the API takes each second, and of one address without a key; 0 is no limit, which `make up` sets.',
  ),
  API_REQUESTS_BURST: setting(
    'Behaviour',
    wholeNumber(0, 1_000_000).default(100),
    100,
    'How many of them may come at once, in the time that they take at that rate; 0 is as many as in a second.',
  ),
  API_REQUESTS_IN_FLIGHT: setting(
    'Behaviour',
    wholeNumber(0, 1_000_000).default(50),
    50,
    'Requests of one API key, or of one address without a key, that a process works on at the same time; 0 is no limit, which `make up` sets.',
  ),
  API_FAILED_AUTHENTICATIONS_PER_MINUTE: setting(
    'Behaviour',
    wholeNumber(0, 1_000_000).default(60),
    60,
    'API keys that are not valid and may come from one address in a minute; further unknown ones are refused unseen. 0 is no limit, which `make up` sets.',
  ),
  WEBHOOKS_PER_SECOND: setting(
    'Behaviour',
    wholeNumber(0, 1_000_000).default(1_000),
    1_000,
    'Verified webhooks of one provider that a process takes each second; it sends the others again. 0 is no limit, which `make up` sets.',
  ),
  IDEMPOTENCY_LEASE_SECONDS: setting(
    'Behaviour',
    wholeNumber(20, 3_600).default(30),
    30,
    'How long a request holds its `Idempotency-Key` without an answer before a repeat takes over, seconds; longer than any request takes.',
  ),
  CREATION_ACCEPT_SECONDS: setting(
    'Behaviour',
    wholeNumber(1, 3_600).default(30),
    30,
    'How long after the request a subscription may still be created, seconds; later ones are dropped.',
  ),
  CREATION_ANSWER_SECONDS: setting(
    'Behaviour',
    wholeNumber(1, 12).default(10),
    10,
    'How long `POST /subscriptions` waits for the first payment before it answers 202, seconds.',
  ),
  RENEWALS_PER_SECOND: setting(
    'Behaviour',
    wholeNumber(0, 100_000).default(200),
    200,
    'How many due subscriptions are announced each second, so that the first of a month is a queue; 0 is no limit.',
  ),
  RENEWAL_GATHER_MS: setting(
    'Behaviour',
    wholeNumber(0, 60_000).default(5_000),
    5_000,
    'How long a few subscriptions that are due wait for others, to be renewed by one run, milliseconds. From 20 on they wait 200 ms at most; customers with a test clock do not wait.',
  ),
  RENEWAL_SHARDS: setting(
    'Behaviour',
    wholeNumber(1, 64).default(1),
    1,
    'Scheduler workflows that share the subscriptions; change it only while no retry worker runs.',
  ),
  RENEWAL_TICK_SECONDS: setting(
    'Behaviour',
    wholeNumber(1, 300).default(5),
    5,
    'Longest pause between two looks for what is due, seconds.',
  ),
  RECONCILE_EVERY_SECONDS: setting(
    'Behaviour',
    wholeNumber(10, 86_400).default(60),
    60,
    'How often the reconciliation looks for what did not go on by itself, seconds; taken when its schedule is made.',
  ),
  RECONCILE_AFTER_SECONDS: setting(
    'Behaviour',
    wholeNumber(15, 3_600).default(60),
    60,
    'How long work may be in progress before the reconciliation takes it for stuck, seconds.',
  ),
  RECONCILE_STARTS_PER_SECOND: setting(
    'Behaviour',
    wholeNumber(1, 1_000).default(20),
    20,
    'After a lost namespace: how many workflows of subscriptions that wait for nothing are started each second; one costs some 50 ms of CPU. What waits comes first, unmetered.',
  ),
  OUTBOX_RETENTION_DAYS: setting(
    'Behaviour',
    wholeNumber(1, 36_500).default(400),
    400,
    'Days after which the content of a published event is removed from the outbox; where it was published stays.',
  ),
  TEST_CLOCK_STALL_SECONDS: setting(
    'Behaviour',
    wholeNumber(1, 3_600).default(60),
    60,
    'Real time without progress after which the advance of a test clock has failed, seconds.',
  ),
  WEBHOOK_BODY_RETENTION_DAYS: setting(
    'Behaviour',
    wholeNumber(1, 3650).default(90),
    90,
    'Days that the bodies of webhooks are kept; what was read in them stays.',
  ),
  IDEMPOTENCY_RETENTION_DAYS: setting(
    'Behaviour',
    wholeNumber(1, 36_500).default(30),
    30,
    'Days that an `Idempotency-Key` and its answer are kept; what it made is found by its id after that, too.',
  ),
  AUDIT_RETENTION_DAYS: setting(
    'Behaviour',
    wholeNumber(30, 36_500).default(1_096),
    1_096,
    'Days that entries of the audit log are kept.',
  ),
  DEAD_LETTER_RETENTION_DAYS: setting(
    'Behaviour',
    wholeNumber(7, 36_500).default(90),
    90,
    'Days that the records of dead letters with a decision are kept; where each was, and the decision, stays.',
  ),
  RENEWAL_RUN_RETENTION_DAYS: setting(
    'Behaviour',
    wholeNumber(7, 36_500).default(90),
    90,
    'Days that a renewal run that has ended is kept; the payments that it made keep its id.',
  ),
  SHUTDOWN_TIMEOUT_MS: setting(
    'Behaviour',
    wholeNumber(1_000, 300_000).default(20_000),
    20_000,
    'How long a stopping process waits for work in hand, milliseconds.',
  ),

  PLATFORM_DIR: setting(
    'Platform',
    z.string().min(1).default('.platform'),
    '.platform',
    'Where the servers started by `make up` keep their data and `platform.json`.',
  ),
  PLATFORM_TEMPORAL: setting(
    'Platform',
    z.enum(['dev', 'postgres'], 'must be dev or postgres').default('dev'),
    'dev',
    'Which Temporal the platform starts: the development server (SQLite) or the server on PostgreSQL.',
  ),
  POSTGRES_PORT: setting('Platform', port(15432), 15432, 'Port of the platform’s PostgreSQL.'),
  KAFKA_PORT: setting('Platform', port(19092), 19092, 'Port of the platform’s Kafka.'),
  TEMPORAL_PORT: setting('Platform', port(7233), 7233, 'Port of the platform’s Temporal.'),
  TEMPORAL_UI_PORT: setting('Platform', port(8233), 8233, 'Port of the platform’s Temporal Web UI.'),
} as const satisfies Record<string, Setting>;

type Table = typeof settings;
type Read = { [K in keyof Table]: z.output<Table[K]['schema']> };

/** The settings of a process; the addresses are filled in from the platform’s ports where none is given. */
export interface Config extends Omit<
  Read,
  | 'DATABASE_URL'
  | 'SANDBOX_DATABASE_URL'
  | 'SANDBOX_WEBHOOK_URL'
  | 'KAFKA_BROKERS'
  | 'TEMPORAL_ADDRESS'
  | 'TEMPORAL_UI_URL'
  | 'ALLOW_SANDBOX'
  | 'ALLOW_TEST_CLOCKS'
> {
  DATABASE_URL: string;
  SANDBOX_DATABASE_URL: string;
  SANDBOX_WEBHOOK_URL: string;
  KAFKA_BROKERS: string[];
  TEMPORAL_ADDRESS: string;
  TEMPORAL_UI_URL: string;
  ALLOW_SANDBOX: boolean;
  ALLOW_TEST_CLOCKS: boolean;
}

/** Wrong configuration. `message` lists every mistake, one a line, without any secret’s value. */
export class ConfigError extends Error {
  constructor(readonly mistakes: readonly string[]) {
    super(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes.map((m) => `  - ${m}`).join('\n')}\nEvery variable is described in docs/configuration.md.`,
    );
    this.name = 'ConfigError';
  }
}

const prefixes = [
  'ALLOW_SANDBOX',
  'ALLOW_TEST',
  'API_',
  'AUDIT_',
  'DEAD_LETTER_',
  'SANDBOX_',
  'STRIPE_',
  'KAFKA_',
  'PLATFORM_',
  'TEMPORAL_',
  'WORKER_',
  'DATABASE_',
  'BOOTSTRAP_',
  'CREATION_',
  'IDEMPOTENCY_',
  'INCOMPLETE_',
  'LOOKUP_',
  'MAIL_',
  'METRICS_',
  'NOTIFY_',
  'EXTERNAL_PAYMENT',
  'EXTERNAL_SOURCE',
  'RECONCILE_',
  'RENEWAL_',
  'RENEWALS_',
  'OUTBOX_',
  'SHUTDOWN_',
  'SMTP_',
  'TEST_CLOCK_',
  'TRUST_',
  'WEBHOOK_',
  'WEBHOOKS_',
];
// Temporal's own CLI reads these from the same environment.
const foreign = /^TEMPORAL_(CLI_|ENV|CONFIG_FILE|PROFILE|DEBUG|GRPC_META_)/;

const isOurs = (name: string): boolean =>
  name in settings || prefixes.some((prefix) => name.startsWith(prefix));

/**
 * Kubernetes describes the services of a namespace in the environment of each container. For one named `kafka` that is
 * `KAFKA_PORT=tcp://10.0.0.1:9092`, `KAFKA_SERVICE_HOST`, `KAFKA_SERVICE_PORT…`, `KAFKA_PORT_9092_TCP…`.
 */
function isServiceLink(name: string, value = ''): boolean {
  if (/_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name)) return true;
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value);
}

/** Returns the names that look like settings of ours and are links to services, which are ignored. */
export function ignoredServiceLinks(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => isOurs(name) && isServiceLink(name, env[name]))
    .sort();
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  return Object.keys(env)
    .filter((name) => !(name in settings) && isOurs(name))
    .filter((name) => !foreign.test(name) && !isServiceLink(name, env[name]))
    .map((name) => {
      const near = Object.keys(settings).reduce((best, known) =>
        sharedStart(known, name) > sharedStart(best, name) ? known : best,
      );
      return `${name} is not a setting; did you mean ${near}?`;
    });
}

/** What each transport of notifications cannot do without. */
const neededBy = {
  none: [],
  file: ['NOTIFY_OUTBOX_DIR'],
  smtp: ['SMTP_URL', 'MAIL_FROM'],
  webhook: ['NOTIFY_WEBHOOK_URL', 'NOTIFY_WEBHOOK_SECRETS'],
} as const;

function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/**
 * Reads some settings by themselves, for a program that needs no others; whatever else is set is not looked at.
 * @throws ConfigError with all mistakes of these at once.
 */
export function readSettings<Name extends keyof Table>(
  env: NodeJS.ProcessEnv,
  names: readonly Name[],
): Pick<Read, Name> {
  const { read, mistakes } = readEach(env, names);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return read as Pick<Read, Name>;
}

/** Reads each of the settings. An empty string and a link to a service count as not set. */
function readEach(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): { read: Record<string, unknown>; mistakes: string[] } {
  const table: Readonly<Record<string, Setting>> = settings;
  const read: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const name of names) {
    const { schema, secret } = table[name] as Setting;
    const text = env[name] === '' || isServiceLink(name, env[name]) ? undefined : env[name];
    const result = schema.safeParse(text);
    if (result.success) read[name] = result.data;
    else {
      const why = result.error.issues.map((issue) => issue.message).join('; ');
      const isHidden = secret || text === undefined || mayHoldPassword(text);
      mistakes.push(`${name} ${why}${isHidden ? '' : ` (it is ${JSON.stringify(text)})`}`);
    }
  }
  return { read, mistakes };
}

/** Whether it looks like an address with a user and a password, well-formed or not. */
const mayHoldPassword = (text: string): boolean => /[:/][^/]*@/.test(text);

/**
 * Reads the settings from an environment (usually `process.env`).
 * @throws ConfigError with all mistakes at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const { read, mistakes } = readEach(env, Object.keys(settings));
  mistakes.unshift(...unknownNames(env));
  const config = read as Read;
  if (config.KAFKA_SASL_MECHANISM && !(config.KAFKA_USERNAME && config.KAFKA_PASSWORD)) {
    mistakes.push('KAFKA_SASL_MECHANISM needs KAFKA_USERNAME and KAFKA_PASSWORD');
  }
  if (!config.KAFKA_SASL_MECHANISM && (config.KAFKA_USERNAME || config.KAFKA_PASSWORD)) {
    mistakes.push('KAFKA_USERNAME and KAFKA_PASSWORD need KAFKA_SASL_MECHANISM');
  }
  if (Boolean(config.KAFKA_CERT_FILE) !== Boolean(config.KAFKA_KEY_FILE)) {
    mistakes.push('KAFKA_CERT_FILE and KAFKA_KEY_FILE go together');
  }
  if ((config.KAFKA_CA_FILE || config.KAFKA_CERT_FILE) && !config.KAFKA_SSL) {
    mistakes.push('KAFKA_CA_FILE and KAFKA_CERT_FILE need KAFKA_SSL=true');
  }
  if (Boolean(config.TEMPORAL_TLS_CERT_FILE) !== Boolean(config.TEMPORAL_TLS_KEY_FILE)) {
    mistakes.push('TEMPORAL_TLS_CERT_FILE and TEMPORAL_TLS_KEY_FILE go together');
  }
  if (config.STRIPE_WEBHOOK_SECRETS && !config.STRIPE_SECRET_KEY) {
    mistakes.push('STRIPE_WEBHOOK_SECRETS needs STRIPE_SECRET_KEY');
  }
  const isProduction = config.NODE_ENV === 'production';
  const allowSandbox = config.ALLOW_SANDBOX ?? !isProduction;
  for (const name of ['SANDBOX_PROVIDER_URL', 'SANDBOX_WEBHOOK_SECRETS'] as const) {
    if (!allowSandbox && config[name] !== undefined)
      mistakes.push(`${name} needs ALLOW_SANDBOX=true${isProduction ? ' where NODE_ENV is production' : ''}`);
  }
  for (const name of neededBy[config.NOTIFY_TRANSPORT] ?? []) {
    if (config[name] === undefined)
      mistakes.push(`NOTIFY_TRANSPORT=${config.NOTIFY_TRANSPORT} needs ${name}`);
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return {
    ...config,
    ALLOW_SANDBOX: allowSandbox,
    ALLOW_TEST_CLOCKS: config.ALLOW_TEST_CLOCKS ?? !isProduction,
    DATABASE_URL: config.DATABASE_URL ?? platformDatabaseUrl(config.POSTGRES_PORT, 'perennial'),
    SANDBOX_DATABASE_URL:
      config.SANDBOX_DATABASE_URL ?? platformDatabaseUrl(config.POSTGRES_PORT, 'perennial_sandbox'),
    SANDBOX_WEBHOOK_URL: config.SANDBOX_WEBHOOK_URL ?? `http://127.0.0.1:${config.API_PORT}/webhooks/sandbox`,
    KAFKA_BROKERS: config.KAFKA_BROKERS ?? [`127.0.0.1:${config.KAFKA_PORT}`],
    TEMPORAL_ADDRESS: config.TEMPORAL_ADDRESS ?? `127.0.0.1:${config.TEMPORAL_PORT}`,
    TEMPORAL_UI_URL: config.TEMPORAL_UI_URL ?? `http://127.0.0.1:${config.TEMPORAL_UI_PORT}`,
  };
}

/** Address of a database on the platform's own server, which listens on the loopback interface only. */
export function platformDatabaseUrl(postgresPort: number, database: string): string {
  return `postgresql://perennial:perennial@127.0.0.1:${postgresPort}/${database}`;
}
