import { describeDamagedIndexes } from './support/damaged-index.ts';

describeDamagedIndexes('forced-dirty');
