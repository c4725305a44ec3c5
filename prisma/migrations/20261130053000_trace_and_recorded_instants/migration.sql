-- Columns first, then their defaults: rows of before keep null, for nobody knows when they were recorded.
-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "recorded_at" TIMESTAMPTZ(3);
ALTER TABLE "subscriptions" ALTER COLUMN "recorded_at" SET DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "subscription_periods" ADD COLUMN     "paid_recorded_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "payments" ADD COLUMN     "recorded_at" TIMESTAMPTZ(3),
ADD COLUMN     "trace" JSONB;
ALTER TABLE "payments" ALTER COLUMN "recorded_at" SET DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "began_at" TIMESTAMPTZ(3),
ADD COLUMN     "settled_recorded_at" TIMESTAMPTZ(3),
ADD COLUMN     "trace" JSONB;

-- AlterTable
ALTER TABLE "refunds" ADD COLUMN     "at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "retry_requests" ADD COLUMN     "trace" JSONB;

-- AlterTable
ALTER TABLE "bulk_retries" ADD COLUMN     "trace" JSONB;

-- AlterTable
ALTER TABLE "webhook_deliveries" ADD COLUMN     "trace" JSONB;

-- CreateTable
CREATE TABLE "test_clock_moves" (
    "clock_id" TEXT NOT NULL,
    "now" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "test_clock_moves_pkey" PRIMARY KEY ("clock_id","now")
);

-- CreateIndex
CREATE INDEX "test_clock_moves_clock_id_recorded_at_idx" ON "test_clock_moves"("clock_id", "recorded_at");

-- AddForeignKey
ALTER TABLE "test_clock_moves" ADD CONSTRAINT "test_clock_moves_clock_id_fkey" FOREIGN KEY ("clock_id") REFERENCES "test_clocks"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Whoever moves a clock, also a process of before: what it shows from now on is kept. Cut to milliseconds like the
-- instants of rows, so that what is written afterwards never seems to come before.
CREATE FUNCTION "test_clock_moved"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "test_clock_moves" ("clock_id", "now", "recorded_at")
  VALUES (NEW."id", NEW."now", date_trunc('milliseconds', clock_timestamp()))
  ON CONFLICT ("clock_id", "now") DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER "test_clocks_moved" AFTER INSERT OR UPDATE OF "now" ON "test_clocks"
  FOR EACH ROW EXECUTE FUNCTION "test_clock_moved"();

-- Where the clocks of before stand: what their customers' rows show from now on.
INSERT INTO "test_clock_moves" ("clock_id", "now", "recorded_at")
SELECT "id", "now", date_trunc('milliseconds', clock_timestamp()) FROM "test_clocks";
