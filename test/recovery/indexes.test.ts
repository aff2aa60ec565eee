import { describeDamagedIndexes } from './support/damaged-index.ts';

describeDamagedIndexes('as-is');
