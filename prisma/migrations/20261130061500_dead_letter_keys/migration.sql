-- CreateIndex
CREATE INDEX "dead_letters_key_idx" ON "dead_letters"("key");
