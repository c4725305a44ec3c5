/** The sandbox payment provider, as a process of its own. */
import { runProcess } from './process';
import { startSandbox } from './start-sandbox';

runProcess('sandbox', startSandbox, ({ ALLOW_SANDBOX }) =>
  ALLOW_SANDBOX ? [] : ['the sandbox provider needs ALLOW_SANDBOX=true where NODE_ENV is production'],
);
