import { describeDamagedIndexes, usualDamage } from './support/damaged-index.ts';

describeDamagedIndexes('as-is', usualDamage);
