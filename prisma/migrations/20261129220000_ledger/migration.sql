-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "cancel_refund" TEXT,
ADD COLUMN     "ledger_state" JSONB;

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "disputed_amount" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "lost_amount" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "unapplied_amount" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "refunds" ADD COLUMN     "charge_reference" TEXT,
ADD COLUMN     "released_at" TIMESTAMPTZ(3),
ADD COLUMN     "taken" JSONB,
ADD COLUMN     "transitions" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "disputes" (
    "id" TEXT NOT NULL,
    "payment_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "provider_reference" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'open',
    "attempt" INTEGER NOT NULL,
    "taken" JSONB,
    "transitions" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "disputes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ledger_transactions" (
    "id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    "kind" TEXT NOT NULL,
    "customer_id" TEXT NOT NULL,
    "subscription_id" TEXT,
    "period_index" INTEGER,
    "payment_id" TEXT,
    "refund_id" TEXT,
    "test_clock_id" TEXT,
    "currency" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "actor" JSONB NOT NULL,
    "reason" TEXT,

    CONSTRAINT "ledger_transactions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ledger_entries" (
    "transaction_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "customer_id" TEXT NOT NULL,
    "subscription_id" TEXT,

    CONSTRAINT "ledger_entries_pkey" PRIMARY KEY ("transaction_id","position")
);

-- CreateTable
CREATE TABLE "customer_balances" (
    "customer_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "credit" BIGINT NOT NULL DEFAULT 0,
    "funds" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "customer_balances_pkey" PRIMARY KEY ("customer_id","currency")
);

-- CreateIndex
CREATE INDEX "disputes_payment_id_idx" ON "disputes"("payment_id");

-- CreateIndex
CREATE INDEX "ledger_transactions_subscription_id_seq_idx" ON "ledger_transactions"("subscription_id", "seq");

-- CreateIndex
CREATE INDEX "ledger_transactions_customer_id_seq_idx" ON "ledger_transactions"("customer_id", "seq");

-- AddForeignKey
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer_balances" ADD CONSTRAINT "customer_balances_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma's schema language cannot say.

-- Money that was collected and is not assigned is there for an instant only: the reconciliation reads what stays.
CREATE INDEX "payments_unapplied" ON "payments" ("subscription_id") WHERE "unapplied_amount" <> 0;

-- Whose period is over: its end is written by the next transaction, or by the reconciliation when none comes.
CREATE INDEX "subscriptions_period_over" ON "subscriptions" ("period_end")
  WHERE "status" IN ('active', 'past_due', 'paused');

ALTER TABLE "payments" ADD CONSTRAINT "payments_ledger_not_negative"
  CHECK ("unapplied_amount" >= 0 AND "disputed_amount" >= 0 AND "lost_amount" >= 0);
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_cancel_refund"
  CHECK ("cancel_refund" IN ('none', 'prorated', 'full'));
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_released" CHECK ("released_at" IS NULL OR "status" = 'failed');
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_amount_positive" CHECK ("amount" > 0);
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_status" CHECK ("status" IN ('open', 'won', 'lost'));
ALTER TABLE "disputes" ADD CONSTRAINT "disputes_closed" CHECK (("closed_at" IS NOT NULL) = ("status" <> 'open'));
ALTER TABLE "customer_balances" ADD CONSTRAINT "customer_balances_not_negative" CHECK ("credit" >= 0);

ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_not_zero" CHECK ("amount" <> 0);
-- Cash has an account for each provider, and nothing else has parts.
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_account"
  CHECK ("account" LIKE 'cash/_%' OR ("account" <> 'cash' AND strpos("account", '/') = 0));
-- The table of domain/ledger/accounts.ts.
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_kind" CHECK (
  CASE "kind"
    WHEN 'period_opened' THEN split_part("account", '/', 1) IN (
      'receivable', 'unearned', 'earned', 'credit', 'credit_held', 'forfeited', 'unapplied')
    WHEN 'period_ended' THEN split_part("account", '/', 1) IN (
      'unearned', 'earned')
    WHEN 'payment_collected' THEN split_part("account", '/', 1) IN (
      'cash', 'unapplied', 'earned', 'receivable', 'unearned', 'credit', 'written_off')
    WHEN 'payment_applied' THEN split_part("account", '/', 1) IN (
      'unapplied', 'receivable', 'unearned', 'earned', 'credit', 'written_off', 'refunding',
      'credit_held')
    WHEN 'change_applied' THEN split_part("account", '/', 1) IN (
      'unearned', 'earned', 'receivable', 'credit', 'credit_held', 'unapplied')
    WHEN 'credit_held' THEN split_part("account", '/', 1) IN (
      'credit', 'credit_held')
    WHEN 'credit_released' THEN split_part("account", '/', 1) IN (
      'credit', 'credit_held')
    WHEN 'subscription_ended' THEN split_part("account", '/', 1) IN (
      'unearned', 'earned', 'forfeited', 'receivable', 'written_off', 'credit', 'credit_held',
      'refunding', 'allowances', 'unapplied')
    WHEN 'written_off' THEN split_part("account", '/', 1) IN (
      'unearned', 'earned', 'receivable', 'credit', 'written_off', 'credit_held')
    WHEN 'refund_reserved' THEN split_part("account", '/', 1) IN (
      'unapplied', 'credit', 'unearned', 'earned', 'allowances', 'refunding', 'cash', 'credit_held')
    WHEN 'refund_settled' THEN split_part("account", '/', 1) IN (
      'refunding', 'cash')
    WHEN 'refund_failed' THEN split_part("account", '/', 1) IN (
      'refunding', 'cash')
    WHEN 'refund_released' THEN split_part("account", '/', 1) IN (
      'refunding', 'credit', 'unearned', 'earned', 'allowances', 'unapplied')
    WHEN 'dispute_opened' THEN split_part("account", '/', 1) IN (
      'disputed', 'cash', 'unearned', 'earned', 'credit', 'credit_held')
    WHEN 'dispute_won' THEN split_part("account", '/', 1) IN (
      'disputed', 'cash', 'unearned', 'earned', 'credit', 'written_off')
    WHEN 'dispute_lost' THEN split_part("account", '/', 1) IN (
      'disputed', 'unapplied', 'credit', 'unearned', 'earned', 'written_off', 'credit_held')
    WHEN 'credit_granted' THEN split_part("account", '/', 1) IN (
      'allowances', 'credit')
    WHEN 'credit_corrected' THEN split_part("account", '/', 1) IN (
      'allowances', 'credit')
    WHEN 'opening' THEN split_part("account", '/', 1) IN (
      'cash', 'receivable', 'unearned', 'earned', 'credit', 'credit_held', 'refunding', 'unapplied',
      'disputed', 'written_off', 'forfeited', 'allowances', 'opening')
    WHEN 'reversal' THEN split_part("account", '/', 1) IN (
      'cash', 'receivable', 'unearned', 'earned', 'credit', 'credit_held', 'refunding', 'unapplied',
      'disputed', 'written_off', 'forfeited', 'allowances', 'opening')
    ELSE false
  END);

-- Entries that are written together sum to zero for each transaction, and are what their transaction says.
CREATE FUNCTION "ledger_entries_prove"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  broken text;
BEGIN
  SELECT entry."transaction_id" INTO broken
  FROM written AS entry LEFT JOIN "ledger_transactions" AS whole ON whole."id" = entry."transaction_id"
  GROUP BY entry."transaction_id"
  HAVING sum(entry."amount") <> 0 OR NOT coalesce(bool_and(
    entry."kind" = whole."kind" AND entry."currency" = whole."currency" AND entry."customer_id" = whole."customer_id"
      AND (entry."subscription_id" IS NULL OR entry."subscription_id" = whole."subscription_id")), false)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the entries of ledger transaction % do not sum to zero or contradict it', broken
      USING ERRCODE = 'check_violation', TABLE = 'ledger_entries', CONSTRAINT = 'ledger_entries_proved';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "ledger_entries_proved" AFTER INSERT ON "ledger_entries"
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION "ledger_entries_prove"();

-- The ledger is appended to. Of a transaction an erasure takes the reason away.
CREATE FUNCTION "ledger_refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER "ledger_entries_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_refuse"();
CREATE TRIGGER "ledger_transactions_append_only" BEFORE DELETE OR TRUNCATE ON "ledger_transactions"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_refuse"();

CREATE FUNCTION "ledger_blank_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  OLD."reason" := NULL;
  IF NEW IS DISTINCT FROM OLD THEN
    RAISE EXCEPTION 'of % only the reason may be taken away', TG_TABLE_NAME
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "ledger_transactions_blank_only" BEFORE UPDATE ON "ledger_transactions"
  FOR EACH ROW EXECUTE FUNCTION "ledger_blank_only"();
