-- AlterTable
ALTER TABLE "payment_attempts" ADD COLUMN     "next_question_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "customers_test_clock_id_idx" ON "customers"("test_clock_id");

-- CreateIndex
CREATE INDEX "test_clocks_created_at_id_idx" ON "test_clocks"("created_at", "id");
