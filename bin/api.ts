/** The REST API. */
import { runProcess } from './process';
import { startApi } from './start-api';

runProcess('api', startApi);
