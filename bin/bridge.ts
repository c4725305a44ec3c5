/** The bridge between PostgreSQL, Kafka and Temporal. */
import { runProcess } from './process';
import { startBridge } from './start-bridge';

runProcess('bridge', startBridge);
