/** The sandbox payment provider, as a process of its own. */
import { runProcess } from './process';
import { startSandbox } from './start-sandbox';

runProcess('sandbox', startSandbox);
