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

-- Entries that are written together sum to zero for each transaction, have the accounts that its kind may have, and are
-- what their transaction says. Not a CHECK for each row: PostgreSQL would read the table of kinds anew for each statement.
CREATE FUNCTION "ledger_entries_prove"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entries record;
BEGIN
  FOR entries IN
    SELECT "transaction_id", sum("amount") AS total,
      array_agg(DISTINCT "kind") AS kinds, array_agg(DISTINCT "currency") AS currencies,
      array_agg(DISTINCT "customer_id") AS customers, array_remove(array_agg(DISTINCT "subscription_id"), NULL) AS subscriptions,
      -- The table of domain/ledger/accounts.ts.
      bool_and("kind" || '/' || split_part("account", '/', 1) = ANY ('{
    period_opened/receivable, period_opened/unearned, period_opened/earned, period_opened/credit,
    period_opened/credit_held, period_opened/forfeited, period_opened/unapplied,
    period_ended/unearned, period_ended/earned, period_ended/receivable, period_ended/forfeited,
    payment_collected/cash, payment_collected/unapplied, payment_collected/earned,
    payment_collected/receivable, payment_collected/unearned, payment_collected/credit,
    payment_collected/written_off,
    payment_applied/unapplied, payment_applied/receivable, payment_applied/unearned, payment_applied/earned,
    payment_applied/credit, payment_applied/written_off, payment_applied/refunding,
    payment_applied/credit_held,
    change_applied/unearned, change_applied/earned, change_applied/receivable, change_applied/credit,
    change_applied/credit_held, change_applied/unapplied,
    credit_held/credit, credit_held/credit_held,
    credit_released/credit, credit_released/credit_held,
    subscription_ended/unearned, subscription_ended/earned, subscription_ended/forfeited,
    subscription_ended/receivable, subscription_ended/written_off, subscription_ended/credit,
    subscription_ended/credit_held, subscription_ended/refunding, subscription_ended/allowances,
    subscription_ended/unapplied,
    written_off/unearned, written_off/earned, written_off/receivable, written_off/credit,
    written_off/written_off, written_off/credit_held,
    refund_reserved/unapplied, refund_reserved/credit, refund_reserved/unearned, refund_reserved/earned,
    refund_reserved/allowances, refund_reserved/refunding, refund_reserved/cash, refund_reserved/credit_held,
    refund_settled/refunding, refund_settled/cash,
    refund_failed/refunding, refund_failed/cash,
    refund_released/refunding, refund_released/credit, refund_released/unearned, refund_released/earned,
    refund_released/allowances, refund_released/unapplied, refund_released/written_off,
    dispute_opened/disputed, dispute_opened/cash, dispute_opened/unearned, dispute_opened/earned,
    dispute_opened/credit, dispute_opened/credit_held,
    dispute_won/disputed, dispute_won/cash, dispute_won/unearned, dispute_won/earned, dispute_won/credit,
    dispute_won/written_off,
    dispute_lost/disputed, dispute_lost/unapplied, dispute_lost/credit, dispute_lost/unearned,
    dispute_lost/earned, dispute_lost/written_off, dispute_lost/credit_held,
    credit_granted/allowances, credit_granted/credit,
    credit_corrected/allowances, credit_corrected/credit,
    opening/cash, opening/receivable, opening/unearned, opening/earned, opening/credit, opening/credit_held,
    opening/refunding, opening/unapplied, opening/disputed, opening/written_off, opening/forfeited,
    opening/allowances, opening/opening,
    reversal/cash, reversal/receivable, reversal/unearned, reversal/earned, reversal/credit,
    reversal/credit_held, reversal/refunding, reversal/unapplied, reversal/disputed, reversal/written_off,
    reversal/forfeited, reversal/allowances, reversal/opening
  }'::text[])) AS has_accounts
    FROM written GROUP BY "transaction_id"
  LOOP
    PERFORM FROM "ledger_transactions" AS whole
    WHERE whole."id" = entries.transaction_id AND entries.kinds = ARRAY[whole."kind"]
      AND entries.currencies = ARRAY[whole."currency"] AND entries.customers = ARRAY[whole."customer_id"]
      AND entries.subscriptions <@ ARRAY[whole."subscription_id"];
    IF NOT FOUND OR entries.total <> 0 OR NOT entries.has_accounts THEN
      RAISE EXCEPTION 'the entries of ledger transaction % do not sum to zero or contradict it', entries.transaction_id
        USING ERRCODE = 'check_violation', TABLE = 'ledger_entries', CONSTRAINT = 'ledger_entries_proved';
    END IF;
  END LOOP;
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
