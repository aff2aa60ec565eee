import { describeDamagedIndexes, otherDamages } from './support/damaged-index.ts';

describeDamagedIndexes('as-is', otherDamages);
describeDamagedIndexes('forced-dirty');
